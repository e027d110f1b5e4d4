#include "converter/methods/auto/without_other_segments.h"

#include <algorithm>
#include <optional>

#include "converter/float/forward.h"

namespace intvit {
namespace {

bool alike(const Tensor& a, const Tensor& b) {
  return a.rows == b.rows && a.columns == b.columns && a.role == b.role && a.heads == b.heads;
}

// What is alive in front of segment `index` but not behind it, or (`behind`) the other way round.
std::vector<TensorId> alive_only(const FloatNetwork& network, int index, bool behind) {
  const std::vector<StatePart> here = state_parts(network, index + (behind ? 1 : 0));
  const std::vector<StatePart> there = state_parts(network, index + (behind ? 0 : 1));
  std::vector<TensorId> only;
  for (const StatePart& part : here) {
    const bool both =
        std::any_of(there.begin(), there.end(), [&](const StatePart& p) { return p.tensor == part.tensor; });
    if (!both) only.push_back(part.tensor);
  }
  return only;
}

struct Substitute {
  TensorId tensor;    // behind a segment
  TensorId in_front;  // of it, in its place
};

// Nothing if the segment cannot be left out.
std::optional<std::vector<Substitute>> substitutes(const FloatNetwork& network, int index) {
  const std::vector<TensorId> front = alive_only(network, index, false), behind = alive_only(network, index, true);
  if (front.size() != behind.size()) return std::nullopt;
  std::vector<Substitute> result;
  for (std::size_t i = 0; i < front.size(); ++i) {
    if (!alike(network.at(front[i]), network.at(behind[i]))) return std::nullopt;
    result.push_back({behind[i], front[i]});
  }
  return result;
}

}  // namespace

FloatNetwork without_other_segments(const FloatNetwork& network, int segment) {
  FloatNetwork smaller = network;
  smaller.tensors.clear();
  smaller.nodes.clear();
  smaller.segments.clear();
  std::vector<TensorId> id_of(network.tensors.size(), -1);  // in the smaller network
  const auto rename = [&](std::vector<TensorId>& ids) {
    for (TensorId& id : ids) id = id_of[static_cast<std::size_t>(id)];
  };
  for (int s = 0; s < network.segment_count(); ++s) {
    const Segment& old = network.segment(s);
    if (old.sampled && s != segment) {
      if (const auto instead = substitutes(network, s)) {
        for (const Substitute& one : *instead) {
          id_of[static_cast<std::size_t>(one.tensor)] = id_of[static_cast<std::size_t>(one.in_front)];
        }
        continue;
      }
    }
    Segment kept = old;
    kept.begin = static_cast<int>(smaller.nodes.size());
    for (int n = old.begin; n < old.end; ++n) {
      Node node = network.node(n);
      for (const TensorId id : node.outputs) {
        id_of[static_cast<std::size_t>(id)] = static_cast<TensorId>(smaller.tensors.size());
        smaller.tensors.push_back(network.at(id));
      }
      rename(node.inputs);
      rename(node.outputs);
      smaller.nodes.push_back(std::move(node));
    }
    kept.end = static_cast<int>(smaller.nodes.size());
    smaller.segments.push_back(std::move(kept));
  }
  for (NetworkOutput& output : smaller.outputs) output.tensor = id_of[static_cast<std::size_t>(output.tensor)];
  return smaller;
}

}  // namespace intvit
