// What is alive in front of some node, of one picture.
#pragma once

#include <map>
#include <vector>

#include "converter/float/forward.h"
#include "converter/graph/network.h"

namespace intvit {

using LiveTensors = std::map<TensorId, std::vector<float>>;

// Of states in front of a segment, what it or a later one reads. Of the first `most` of them, or of all: 0.
std::vector<LiveTensors> live_tensors(const FloatNetwork& network, int segment, const std::vector<SegmentState>& states,
                                      int most);

}  // namespace intvit
