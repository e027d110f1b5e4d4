#include "converter/optimise/network_optimiser.h"

#include <algorithm>

#include "converter/optimise/modules.h"

namespace intvit {
namespace {

int first_sampled(const FloatNetwork& network) {
  const auto found = std::ranges::find_if(network.segments, &Segment::sampled);
  return static_cast<int>(found - network.segments.begin());
}

// Ones for what is an output, zeros for other rows of its tensor.
std::vector<float> rows_of_output(const FloatNetwork& network, const NetworkOutput& output) {
  const Tensor& tensor = network.at(output.tensor);
  std::vector<float> weights(area(tensor.rows, tensor.columns), 0.0f);
  const auto first = weights.begin() + static_cast<std::ptrdiff_t>(area(output.first_row, tensor.columns));
  std::fill_n(first, area(output.rows, tensor.columns), 1.0f);
  return weights;
}

}  // namespace

NodeRange behind_pixels(const FloatNetwork& network) {
  const int first = first_sampled(network), end = static_cast<int>(network.nodes.size());
  return {first < network.segment_count() ? network.segment(first).begin : end, end};
}

void NetworkOptimiser::begin_segment(int segment, const std::vector<SegmentState>& exact,
                                     const std::vector<SegmentState>& quantized) {
  if (segment != first_sampled(network_)) return;
  exact_ = live_tensors(network_, segment, exact, options_.pictures);
  quantized_ = live_tensors(network_, segment, quantized, options_.pictures);
}

void NetworkOptimiser::end(FloatNetwork& quantized, RoundedLayers& rounded) {
  const NodeRange range = behind_pixels(network_);
  const NetworkOutput& output = network_.outputs[network_.judged_output()];
  std::vector<LiveTensors> wanted(exact_.size());
  forward_pictures(network_, range, nullptr, threads_, exact_, {output.tensor}, wanted);
  const Importance importance = {{output.tensor, rows_of_output(network_, output)}};
  Reconstructor reconstructor(network_, plan_, threads_, options_, state_,
                              [&](int t) { progress_("optimising the network", t - 1, options_.iterations); });
  outcome_ = reconstructor.run(
      {TrainingState::kNetwork, range, {output.tensor}, exact_, quantized_, wanted, importance}, quantized, rounded);
}

}  // namespace intvit
