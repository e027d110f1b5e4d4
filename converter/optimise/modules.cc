#include "converter/optimise/modules.h"

#include <algorithm>

namespace intvit {

std::vector<NodeRange> modules_of(const FloatNetwork& network, const Segment& segment) {
  std::vector<NodeRange> modules;
  int begin = segment.begin;
  for (int n = segment.begin; n < segment.end; ++n) {
    if (n + 1 < segment.end && addend(network.node(n)) < 0) continue;
    modules.push_back({begin, n + 1});
    begin = n + 1;
  }
  return modules;
}

std::vector<TensorId> entries_of(const FloatNetwork& network, NodeRange module) {
  std::vector<TensorId> entries;
  for (int n = module.begin; n < module.end; ++n) {
    for (const TensorId id : network.node(n).inputs) {
      if (network.producer(id) < module.begin && std::ranges::find(entries, id) == entries.end()) entries.push_back(id);
    }
  }
  return entries;
}

std::vector<TensorId> exits_of(const FloatNetwork& network, NodeRange module) {
  std::vector<TensorId> exits;
  for (int n = module.begin; n < module.end; ++n) {
    for (const TensorId id : network.node(n).outputs) {
      const std::vector<int> readers = network.readers(id);
      if (!readers.empty() && readers.back() >= module.end) exits.push_back(id);
    }
  }
  return exits;
}

const Node* unlearnable(const FloatNetwork& network, NodeRange module) {
  for (int n = module.begin; n < module.end; ++n) {
    if (!has_backward(network.node(n))) return &network.node(n);
  }
  return nullptr;
}

}  // namespace intvit
