// LayerNorm -> the integer constants of kernels/layer_norm/layer_norm.h:
//   code = gamma * (x - mean) / sigma / scale + beta / scale + zero_point
// in every part of a row that is normed by itself.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "converter/graph/node.h"
#include "converter/plan/plan.h"
#include "intvit/status.h"

namespace intvit {

struct LayerNormConstants {
  std::vector<std::int16_t> affine;  // [C][2]: gamma, beta
  int shift;
  int beta_shift;
  std::uint64_t epsilon;
};

// `codes` are those of parts of equal width of a row, one or as many as it has heads. `unit` is the real value of one
// step of x.
Result<LayerNormConstants> layer_norm_constants(const LayerNorm& layer, std::span<const UniformScheme> codes,
                                                double unit);

}  // namespace intvit
