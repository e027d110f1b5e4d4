#include "converter/methods/uniform.h"

#include <algorithm>

namespace intvit {

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

Plan percentile_plan(const MethodInput& input) {
  return uniform_plan(input, WeightRange::mse,
                      [](const Histogram& histogram, int bits) { return percentile_scheme(histogram, bits); });
}

}  // namespace intvit
