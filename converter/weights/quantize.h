// Float weights -> integers, rounded to nearest, and what these integers are in floats.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "converter/graph/network.h"
#include "converter/plan/plan.h"

namespace intvit {

// w[column][k] = scale[column] * (code - zero_point[column]) for weights stored as bytes (5 to 8 bits); those of 2 to 4
// bits count sixteen times (kernels/gemm/tiles.h), and their scales are smaller accordingly.
struct QuantizedWeights {
  int bits = 8;
  int n = 0;                              // columns (outputs)
  int k = 0;                              // inputs before padding
  std::vector<std::int16_t> codes;        // [n][k]; 8 bits: signed, fewer: 0..2^bits - 1
  std::vector<std::uint8_t> zero_points;  // [n]; 0 for 8 bits
  std::vector<double> scales;             // [n]
  // [n] to be added to the layer's bias: mean error of rounding, where it is known
  std::vector<double> bias_correction;

  int value(int column, int input) const {  // in units of the column's scale
    const int code =
        codes[static_cast<std::size_t>(column) * static_cast<std::size_t>(k) + static_cast<std::size_t>(input)] -
        zero_points[static_cast<std::size_t>(column)];
    return code * code_weight();
  }
  int stored_bits() const { return bits <= 4 ? bits : 8; }
  int code_weight() const { return bits <= 4 ? 16 : 1; }
};

// Lowest and highest code.
constexpr std::pair<int, int> weight_code_range(int bits) {
  return bits == 8 ? std::pair{-127, 127} : std::pair{0, (1 << bits) - 1};
}

// Integers that were chosen before lowering, by name of the node.
using RoundedLayers = std::map<std::string, QuantizedWeights>;

// Rounds to nearest.
QuantizedWeights quantize_weights(const FloatLinear& layer, const WeightScheme& scheme);

// The same; `least_scales` (one per column) bounds the scales from below, so that a bias stays representable
// in units of the products; 0 where there is no bound.
QuantizedWeights quantize_weights(const FloatLinear& layer, const WeightScheme& scheme,
                                  std::span<const double> least_scales);

// The layer of a node with weights as it is rounded: the patch embedding's is of the pixels' bytes.
FloatLinear layer_of_codes(const FloatNetwork& network, const Node& node);

// Rounds all layers that `rounded` lacks to nearest; those that the plan lacks, too, are left out.
void round_the_rest(const FloatNetwork& network, const Plan& plan, int threads, RoundedLayers& rounded);

// What the runtime's weights are in floats.
FloatLinear dequantized(const FloatLinear& layer, const QuantizedWeights& weights);

// The layer that the float network runs in the place of the node's own to have what these integers give.
FloatLinear dequantized(const FloatNetwork& network, const Node& node, const QuantizedWeights& weights);

}  // namespace intvit
