// TanQ (DopQ-ViT, Yang et al., arXiv 2408.03291): softmax outputs quantized uniformly behind a tangent, whose two
// branches give fine steps near 0, where most probabilities are, and near 1, where the few are that matter most.
//   f(a) = tan(alpha (a - beta)),  q = round((f(a) - f(0)) / step),  step = (f(1) - f(0)) / (2^bits - 1)
// The paper's own constants were not at hand; this is the reading that fits what it reports. The free parameters are
// u = alpha beta and v = alpha (1 - beta), the angles at 0 and at 1.
#pragma once

#include <vector>

#include "converter/plan/scheme.h"

namespace intvit {

struct TanAngles {
  double at_zero;  // u, in (0, pi / 2)
  double at_one;   // v, in [0, pi / 2)
};

// 2^bits levels in [0, 1]; 0 and 1 are two of them.
TableScheme tan_table(const TanAngles& angles, int bits);

// u = 1.20..1.56, v = 0..1.40: about a hundred.
std::vector<TanAngles> tan_candidates();

}  // namespace intvit
