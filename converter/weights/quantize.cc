#include "converter/weights/quantize.h"

#include <algorithm>
#include <cmath>

#include "converter/float/parallel.h"
#include "converter/float/pixel_normalisation.h"
#include "converter/float/vectors/vector_functions.h"
#include "converter/plan/rounding.h"

namespace intvit {
namespace {

struct ColumnCodes {
  double scale;
  int zero_point;  // 0 for 8 bits
};

// A whole number.
double code_of(double weight, const ColumnCodes& c, int lowest, int highest) {
  return std::clamp<double>(rounded(weight / c.scale) + c.zero_point, lowest, highest);
}

double squared_error(std::span<const float> column, const ColumnCodes& c, int lowest, int highest) {
  const EvenValues values = {1 / c.scale, c.scale, static_cast<double>(lowest - c.zero_point),
                             static_cast<double>(highest - c.zero_point)};
  return vector_functions().squared_error(values, column.data(), static_cast<int>(column.size()));
}

// The scale of a column of zeros: any would do, and a fine one never limits what follows.
constexpr double kZeroScale = 0x1p-20;

ColumnCodes codes_for_range(double low, double high, int bits, double least_scale) {
  if (bits == 8) {
    const double magnitude = std::max(-low, high);
    const double scale = magnitude > 0 ? magnitude / 127 : kZeroScale;
    return {std::max(scale, least_scale), 0};
  }
  const int levels = (1 << bits) - 1;
  const double scale = std::max(high > low ? (high - low) / levels : kZeroScale, least_scale);
  return {scale, std::clamp(static_cast<int>(std::lround(-low / scale)), 0, levels)};
}

// The range of a column: its extremes, or those shrunk by a common factor (and, for 4 bits, with either end shrunk on
// its own) where clipping the few loses less than coarse steps for the many.
ColumnCodes choose_codes(std::span<const float> column, const WeightScheme& scheme, double least_scale) {
  const auto [min, max] = std::minmax_element(column.begin(), column.end());
  const double low = std::min<double>(*min, 0), high = std::max<double>(*max, 0);
  const auto [lowest, highest] = weight_code_range(scheme.bits);
  ColumnCodes best = codes_for_range(low, high, scheme.bits, least_scale);
  if (scheme.range == WeightRange::max) return best;
  double least = squared_error(column, best, lowest, highest);
  const int steps = scheme.bits == 8 ? 10 : 12;
  const double step = scheme.bits == 8 ? 0.02 : 0.04;
  for (int i = 0; i <= steps; ++i) {
    for (int j = 0; j <= (scheme.bits == 8 ? 0 : steps); ++j) {
      const double shrink_low = 1 - step * i, shrink_high = scheme.bits == 8 ? shrink_low : 1 - step * j;
      const ColumnCodes candidate = codes_for_range(low * shrink_low, high * shrink_high, scheme.bits, least_scale);
      const double error = squared_error(column, candidate, lowest, highest);
      if (error < least) {
        least = error;
        best = candidate;
      }
    }
  }
  return best;
}

}  // namespace

QuantizedWeights quantize_weights(const FloatLinear& layer, const WeightScheme& scheme,
                                  std::span<const double> least_scales) {
  QuantizedWeights result;
  result.bits = scheme.bits;
  result.n = layer.out;
  result.k = layer.in;
  const auto n = static_cast<std::size_t>(layer.out), k = static_cast<std::size_t>(layer.in);
  result.codes.resize(n * k);
  result.zero_points.resize(n);
  result.scales.resize(n);
  result.bias_correction.resize(n, 0);
  const auto [lowest, highest] = weight_code_range(scheme.bits);
  for (std::size_t column = 0; column < n; ++column) {
    const std::span<const float> weights(layer.weight.data() + column * k, k);
    const double weight_of_code = result.code_weight();
    const ColumnCodes codes = choose_codes(weights, scheme, least_scales[column] * weight_of_code);
    result.scales[column] = codes.scale / weight_of_code;
    result.zero_points[column] = static_cast<std::uint8_t>(codes.zero_point);
    for (std::size_t i = 0; i < k; ++i) {
      result.codes[column * k + i] = static_cast<std::int16_t>(code_of(weights[i], codes, lowest, highest));
    }
  }
  return result;
}

QuantizedWeights quantize_weights(const FloatLinear& layer, const WeightScheme& scheme) {
  return quantize_weights(layer, scheme, std::vector<double>(static_cast<std::size_t>(layer.out), 0.0));
}

FloatLinear layer_of_codes(const FloatNetwork& network, const Node& node) {
  if (const auto* embed = node.as<PatchEmbed>()) return of_bytes(embed->linear, network.preprocessing);
  return *node.weights();
}

void round_the_rest(const FloatNetwork& network, const Plan& plan, int threads, RoundedLayers& rounded) {
  struct Task {
    const Node* node;
    const WeightScheme* scheme;
    QuantizedWeights* weights;
  };
  std::vector<Task> tasks;
  for (const Node& node : network.nodes) {
    const auto scheme = plan.weights.find(node.name);
    if (node.weights() == nullptr || scheme == plan.weights.end() || rounded.contains(node.name)) continue;
    tasks.push_back({&node, &scheme->second, &rounded[node.name]});
  }
  parallel_for(threads, static_cast<int>(tasks.size()), [&](int i) {
    const Task& task = tasks[static_cast<std::size_t>(i)];
    *task.weights = quantize_weights(layer_of_codes(network, *task.node), *task.scheme);
  });
}

FloatLinear dequantized(const FloatLinear& layer, const QuantizedWeights& weights) {
  FloatLinear result = layer;
  const auto n = static_cast<std::size_t>(layer.in);
  for (int o = 0; o < layer.out; ++o) {
    const auto row = static_cast<std::size_t>(o);
    for (int i = 0; i < layer.in; ++i) {
      result.weight[row * n + static_cast<std::size_t>(i)] =
          static_cast<float>(weights.scales[row] * weights.value(o, i));
    }
    result.bias[row] = static_cast<float>(layer.bias[row] + weights.bias_correction[row]);
  }
  return result;
}

FloatLinear dequantized(const FloatNetwork& network, const Node& node, const QuantizedWeights& weights) {
  FloatLinear layer = dequantized(layer_of_codes(network, node), weights);
  return node.as<PatchEmbed>() == nullptr ? layer : of_normalised(layer, network.preprocessing);
}

}  // namespace intvit
