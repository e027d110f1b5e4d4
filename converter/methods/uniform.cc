#include "converter/methods/uniform.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace intvit {

UniformScheme uniform_scheme(double low, double high, int bits) {
  low = std::min(low, 0.0);
  high = std::max(high, 0.0);
  const int levels = (1 << bits) - 1;
  UniformScheme scheme;
  scheme.bits = bits;
  // A tensor that is constantly zero still needs some scale; a fine one never limits what follows.
  scheme.scale = high > low ? (high - low) / levels : 0x1p-20;
  scheme.zero_point = std::clamp(static_cast<int>(std::lround(-low / scheme.scale)), 0, levels);
  return scheme;
}

double squared_error(const Histogram& histogram, const UniformScheme& scheme) {
  const double highest = (1 << scheme.bits) - 1;
  double error = 0;
  histogram.for_each([&](double value, std::uint64_t count) {
    const double code = std::clamp(std::round(value / scheme.scale) + scheme.zero_point, 0.0, highest);
    const double difference = value - scheme.scale * (code - scheme.zero_point);
    error += difference * difference * static_cast<double>(count);
  });
  return error;
}

double sqnr_db(const Histogram& histogram, const UniformScheme& scheme) {
  double signal = 0;
  histogram.for_each([&](double value, std::uint64_t count) { signal += value * value * static_cast<double>(count); });
  const double noise = squared_error(histogram, scheme);
  return noise > 0 ? 10 * std::log10(signal / noise) : std::numeric_limits<double>::infinity();
}

Plan uniform_plan(const MethodInput& input, WeightRange weight_range,
                  const std::function<UniformScheme(const Histogram&, int bits)>& choose) {
  const VitDescription& vit = input.network.description;
  const CalibrationStatistics& statistics = input.statistics;
  Plan plan;
  const auto activation = [&](Site site, int block) {
    ActivationSchemes schemes;
    for (const Histogram& histogram : statistics.at(site, block)) {
      schemes.push_back(uniform(choose(histogram, input.activation_bits)));
    }
    plan.activations[site_name(site, block)] = std::move(schemes);
  };
  const auto weight = [&](Layer layer, int block) {
    plan.weights[layer_name(layer, block)] = {input.weight_bits, weight_range};
  };
  const auto residual = [&](Site site, int block) {
    plan.residual_magnitude = std::max(plan.residual_magnitude, statistics.magnitude(site, block));
  };
  weight(Layer::patch_embed, -1);
  residual(Site::residual, -1);
  for (int b = 0; b < vit.depth; ++b) {
    for (const Site site : {Site::qkv_input, Site::query, Site::key, Site::value, Site::attention_output,
                            Site::fc1_input, Site::fc2_input}) {
      activation(site, b);
    }
    for (const Layer layer : {Layer::qkv, Layer::proj, Layer::fc1, Layer::fc2}) weight(layer, b);
    residual(Site::residual_middle, b);
    residual(Site::residual, b);
    plan.magnitudes[site_name(Site::fc1_output, b)] = statistics.magnitude(Site::fc1_output, b);
  }
  activation(Site::head_input, -1);
  weight(Layer::head, -1);
  return plan;
}

}  // namespace intvit
