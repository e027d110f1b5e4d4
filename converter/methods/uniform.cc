#include "converter/methods/uniform.h"

#include <algorithm>

namespace intvit {
namespace {

// Whether lowering must know how large the 16-bit values of a tensor get.
bool needs_magnitude(const Node& producer, const Tensor& tensor) {
  if (tensor.role != Role::activation_input && tensor.role != Role::values) return false;
  return producer.as<MeanRows>() == nullptr;
}

// Where a network is always 0, any magnitude does.
double positive(double magnitude) { return magnitude > 0 ? magnitude : 1; }

}  // namespace

Plan uniform_plan(const MethodInput& input, WeightRange weight_range,
                  const std::function<UniformScheme(const Histogram&, int bits)>& choose) {
  const FloatNetwork& network = input.network;
  const CalibrationStatistics& statistics = input.statistics;
  Plan plan;
  for (const Node& node : network.nodes) {
    if (node.weights() != nullptr) plan.weights[node.name] = {input.weight_bits, weight_range};
    for (const TensorId id : node.outputs) {
      const Tensor& tensor = network.at(id);
      if (needs_magnitude(node, tensor)) plan.magnitudes[tensor.name] = positive(statistics.magnitude(id));
      if (!has_codes(tensor.role)) continue;
      ActivationSchemes schemes;
      for (const Histogram& histogram : statistics.at(id)) {
        schemes.push_back(uniform(choose(histogram, input.activation_bits)));
      }
      plan.activations[tensor.name] = std::move(schemes);
    }
  }
  const std::vector<Stream> streams = streams_of(network);
  for (std::size_t s = 0; s < streams.size(); ++s) {
    double largest = 0;
    for (const TensorId id : streams[s].tensors) largest = std::max(largest, statistics.magnitude(id));
    if (s == 0) {
      plan.residual_magnitude = positive(largest);
    } else {
      plan.magnitudes[network.at(streams[s].tensors.front()).name] = positive(largest);
    }
  }
  return plan;
}

Plan percentile_plan(const MethodInput& input) {
  return uniform_plan(input, WeightRange::mse,
                      [](const Histogram& histogram, int bits) { return percentile_scheme(histogram, bits); });
}

}  // namespace intvit
