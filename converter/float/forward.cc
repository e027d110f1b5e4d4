#include "converter/float/forward.h"

#include <algorithm>
#include <utility>

#include "converter/float/parallel.h"

namespace intvit {
namespace {

std::size_t size_of(const Tensor& tensor) { return area(tensor.rows, tensor.columns); }

// The last node that needs each tensor: one that reads it, else the one that writes it. Outputs outlive all nodes.
std::vector<int> last_uses(const FloatNetwork& network) {
  std::vector<int> last(network.tensors.size(), 0);
  for (int n = 0; n < static_cast<int>(network.nodes.size()); ++n) {
    for (const TensorId id : network.node(n).outputs) last[static_cast<std::size_t>(id)] = n;
    for (const TensorId id : network.node(n).inputs) last[static_cast<std::size_t>(id)] = n;
  }
  for (const NetworkOutput& output : network.outputs) {
    last[static_cast<std::size_t>(output.tensor)] = static_cast<int>(network.nodes.size());
  }
  return last;
}

}  // namespace

std::vector<StatePart> state_parts(const FloatNetwork& network, int index) {
  const int nodes = static_cast<int>(network.nodes.size());
  const int begin = index < network.segment_count() ? network.segment(index).begin : nodes;
  const std::vector<int> last = last_uses(network);
  std::vector<TensorId> alive;
  for (int n = 0; n < begin; ++n) {
    for (const TensorId id : network.node(n).outputs) {
      if (last[static_cast<std::size_t>(id)] >= begin) alive.push_back(id);
    }
  }
  std::sort(alive.begin(), alive.end());
  std::vector<StatePart> parts;
  std::size_t offset = 0;
  for (const TensorId id : alive) {
    parts.push_back({id, offset});
    offset += size_of(network.at(id));
  }
  return parts;
}

FloatForward::FloatForward(const FloatNetwork& network, int threads)
    : network_(network),
      threads_(std::max(1, threads)),
      last_use_(last_uses(network)),
      tensors_(network.tensors.size()) {
  const Preprocessing& how = network.preprocessing;
  for (std::size_t channel = 0; channel < 3; ++channel) {
    for (std::size_t byte = 0; byte < 256; ++byte) {
      pixel_values_[channel][byte] =
          static_cast<float>((static_cast<double>(byte) / 255.0 - how.mean[channel]) / how.stddev[channel]);
    }
  }
  for (int s = 0; s <= network.segment_count(); ++s) parts_.push_back(state_parts(network, s));
}

void FloatForward::run(const std::uint8_t* picture, Observer* observer) {
  clear();
  run_nodes(0, static_cast<int>(network_.nodes.size()), picture, observer);
}

void FloatForward::run_from_picture(int end, const std::uint8_t* picture, SegmentState& state, Observer* observer) {
  clear();
  run_nodes(0, network_.segment(end - 1).end, picture, observer);
  save(end, state);
}

void FloatForward::run_segments(int first, int end, SegmentState& state, Observer* observer) {
  clear();
  for (const StatePart& part : parts_[static_cast<std::size_t>(first)]) {
    std::vector<float>& tensor = tensors_[static_cast<std::size_t>(part.tensor)];
    tensor = take(size_of(network_.at(part.tensor)));
    std::copy_n(state.begin() + static_cast<std::ptrdiff_t>(part.offset), tensor.size(), tensor.begin());
  }
  if (first < end) run_nodes(network_.segment(first).begin, network_.segment(end - 1).end, nullptr, observer);
  save(end, state);
}

std::span<const float> FloatForward::output(std::size_t index) const {
  const NetworkOutput& output = network_.outputs[index];
  const std::vector<float>& tensor = tensors_[static_cast<std::size_t>(output.tensor)];
  return std::span(tensor).subspan(area(output.first_row, network_.at(output.tensor).columns),
                                   output_size(network_, index));
}

void FloatForward::run_nodes(int begin, int end, const std::uint8_t* picture, Observer* observer) {
  const OneThreadPerTask one_thread_per_task;
  for (int n = begin; n < end; ++n) {
    const Node& node = network_.node(n);
    const TensorId stream = addend(node);
    for (const TensorId id : node.outputs) {
      std::vector<float>& tensor = tensors_[static_cast<std::size_t>(id)];
      if (stream >= 0 && last_use_[static_cast<std::size_t>(stream)] == n) {
        tensor = std::exchange(tensors_[static_cast<std::size_t>(stream)], {});
        continue;
      }
      tensor = take(size_of(network_.at(id)));
      if (stream >= 0) std::ranges::copy(tensors_[static_cast<std::size_t>(stream)], tensor.begin());
    }
    const NodeRun run{network_, node, picture, pixel_values_, threads_, observer, tensors_};
    std::visit([&run](const auto& kind) { forward(kind, run); }, node.kind);
    for (const std::vector<TensorId>* used : {&node.inputs, &node.outputs}) {
      for (const TensorId id : *used) {
        if (last_use_[static_cast<std::size_t>(id)] == n) release(id);
      }
    }
  }
}

std::vector<float> FloatForward::take(std::size_t size) {
  std::vector<std::vector<float>>& unused = unused_[size];
  if (unused.empty()) return std::vector<float>(size);
  std::vector<float> buffer = std::move(unused.back());
  unused.pop_back();
  return buffer;
}

void FloatForward::release(TensorId id) {
  std::vector<float>& tensor = tensors_[static_cast<std::size_t>(id)];
  if (tensor.empty()) return;
  const std::size_t size = tensor.size();
  unused_[size].push_back(std::exchange(tensor, {}));
}

void FloatForward::clear() {
  for (TensorId id = 0; id < static_cast<TensorId>(tensors_.size()); ++id) release(id);
}

void FloatForward::save(int segment, SegmentState& state) const {
  state.clear();
  for (const StatePart& part : parts_[static_cast<std::size_t>(segment)]) {
    const std::vector<float>& tensor = tensors_[static_cast<std::size_t>(part.tensor)];
    state.insert(state.end(), tensor.begin(), tensor.end());
  }
}

}  // namespace intvit
