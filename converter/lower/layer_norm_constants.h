// LayerNorm -> the integer constants of kernels/layer_norm/layer_norm.h:
//   code = gamma * (x - mean) / sigma / scale + beta / scale + zero_point
#pragma once

#include <cstdint>
#include <vector>

#include "converter/graph/layers.h"
#include "converter/plan/plan.h"
#include "intvit/status.h"

namespace intvit {

struct LayerNormConstants {
  std::vector<std::int16_t> affine;  // [C][2]: gamma, beta
  int shift;
  int beta_shift;
  std::uint64_t epsilon;
};

// `unit` is the real value of one step of x.
Result<LayerNormConstants> layer_norm_constants(const FloatLayerNorm& norm, const UniformScheme& codes, double eps,
                                                double unit);

}  // namespace intvit
