// Folding a plan's equalisations into the float network. The result computes the same function (up to float rounding),
// so everything behind it, calibration, weight optimisation and lowering, needs to know nothing of them.
#pragma once

#include "converter/float/network.h"
#include "converter/plan/plan.h"

namespace intvit {

// Sites that can be equalised, with x' = x / scale[c] - offset[c]:
//   qkv_input, fc1_input: gamma, beta of the norm before; weights and bias of the linear behind (RepQ-ViT, eq. 6 and 7)
//   value: rows of the qkv layer; columns and bias of proj (softmax rows sum to one, so attention passes both on)
//   query: rows of the qkv layer for q, the inverse for k; no offset
// and for query and value a rotation of each head's channels, undone in the same places.
// A site's arrays are [C]. Scales must be positive.
// invalid_argument naming the site if it is another one or an array does not fit.
Status equalise(const std::map<std::string, Equalisation>& equalisations, FloatNetwork& network);

// x H / sqrt(n) of a row of n values, n a power of two, in place. H is its own transpose and, so scaled, its inverse.
void hadamard(float* row, int n);

}  // namespace intvit
