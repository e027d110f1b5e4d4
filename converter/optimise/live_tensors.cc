#include "converter/optimise/live_tensors.h"

#include <algorithm>

namespace intvit {

std::vector<LiveTensors> live_tensors(const FloatNetwork& network, int segment, const std::vector<SegmentState>& states,
                                      int most) {
  const std::size_t count = most == 0 ? states.size() : std::min(states.size(), static_cast<std::size_t>(most));
  std::vector<LiveTensors> live(count);
  for (const StatePart& part : state_parts(network, segment)) {
    const std::size_t size = area(network.at(part.tensor).rows, network.at(part.tensor).columns);
    const std::vector<int> readers = network.readers(part.tensor);
    if (readers.empty() || readers.back() < network.segment(segment).begin) continue;
    for (std::size_t i = 0; i < count; ++i) {
      const float* first = states[i].data() + part.offset;
      live[i][part.tensor].assign(first, first + size);
    }
  }
  return live;
}

}  // namespace intvit
