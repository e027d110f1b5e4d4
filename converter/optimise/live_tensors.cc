#include "converter/optimise/live_tensors.h"

namespace intvit {

std::vector<LiveTensors> live_tensors(const FloatNetwork& network, int segment,
                                      const std::vector<SegmentState>& states) {
  std::vector<LiveTensors> live(states.size());
  for (const StatePart& part : state_parts(network, segment)) {
    const std::size_t size = area(network.at(part.tensor).rows, network.at(part.tensor).columns);
    const std::vector<int> readers = network.readers(part.tensor);
    if (readers.empty() || readers.back() < network.segment(segment).begin) continue;
    for (std::size_t i = 0; i < states.size(); ++i) {
      const float* first = states[i].data() + part.offset;
      live[i][part.tensor].assign(first, first + size);
    }
  }
  return live;
}

}  // namespace intvit
