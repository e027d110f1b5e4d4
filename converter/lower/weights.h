// Float weights -> integer tiles (kernels/gemm/tiles.h).
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "converter/float/network.h"
#include "converter/plan.h"

namespace intvit {

// w[column][k] = scale[column] * (code - zero_point[column]) for 8 bits; 4-bit codes count sixteen times
// (kernels/gemm/tiles.h), and their scales are smaller accordingly.
struct QuantizedWeights {
  int bits = 8;
  int n = 0;                              // columns (outputs)
  int k = 0;                              // inputs before padding
  std::vector<std::int16_t> codes;        // [n][k]; 8 bits: signed, 4 bits: 0..15
  std::vector<std::uint8_t> zero_points;  // [n]; 0 for 8 bits
  std::vector<double> scales;             // [n]
  std::vector<double>
      bias_correction;  // [n] to be added to the layer's bias: mean error of rounding, where it is known

  int value(int column, int input) const {  // in units of the column's scale
    const int code =
        codes[static_cast<std::size_t>(column) * static_cast<std::size_t>(k) + static_cast<std::size_t>(input)] -
        zero_points[static_cast<std::size_t>(column)];
    return bits == 4 ? code * 16 : code;
  }
};

// Rounds to nearest. `least_scales` (one per column) bounds the scales from below, so that a bias stays representable
// in units of the products; 0 where there is no bound.
QuantizedWeights quantize_weights(const FloatLinear& layer, const WeightScheme& scheme,
                                  std::span<const double> least_scales);

// Tiles of n x k weights. Input i of the layer is read from position `placement(i)` of a source row of `depth` codes
// (normally i itself; a row of several padded pieces has gaps, whose weights are zero).
std::vector<std::uint8_t> pack_tiles(const QuantizedWeights& weights, int depth, std::span<const int> placement);

}  // namespace intvit
