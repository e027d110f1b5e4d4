#include "converter/optimise/network_optimiser.h"

#include <algorithm>

#include "converter/float/for_each_in_order.h"
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
  exact_ = live_tensors(network_, segment, exact);
  quantized_ = live_tensors(network_, segment, quantized);
}

std::vector<LiveTensors> NetworkOptimiser::float_outputs(NodeRange range, TensorId output) const {
  const int count = static_cast<int>(exact_.size());
  std::vector<LiveTensors> outputs(exact_.size());
  std::vector<Tape> tapes(static_cast<std::size_t>(workers_for(count, threads_)), Tape(network_, range));
  const auto make_worker = [&](int worker, int) {
    return [&, worker](int i) -> Status {
      Tape& tape = tapes[static_cast<std::size_t>(worker)];
      for (const auto& [id, rows] : exact_[static_cast<std::size_t>(i)]) tape.value(id) = rows;
      tape.forward(nullptr);
      outputs[static_cast<std::size_t>(i)][output] = tape.value(output);
      return {};
    };
  };
  static_cast<void>(for_each_in_order(count, threads_, make_worker));
  return outputs;
}

void NetworkOptimiser::end(FloatNetwork& quantized, RoundedLayers& rounded) {
  const NodeRange range = behind_pixels(network_);
  const NetworkOutput& output = network_.outputs[network_.judged_output()];
  const std::vector<LiveTensors> wanted = float_outputs(range, output.tensor);
  const Importance importance = {{output.tensor, rows_of_output(network_, output)}};
  Reconstructor reconstructor(network_, plan_, threads_, options_,
                              [&](int t) { progress_("optimising the network", t - 1, options_.iterations); });
  outcome_ = reconstructor.run({range, {output.tensor}, exact_, quantized_, wanted, importance}, quantized, rounded);
}

}  // namespace intvit
