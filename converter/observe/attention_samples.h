// The samples of an attention as those of many small ones where its tokens see each other in windows: every window
// counts as a picture, with a row for each of its slots. So what looks at queries, keys and probabilities together
// needs to know of no windows.
#pragma once

#include "converter/graph/network.h"
#include "converter/observe/segment_samples.h"

namespace intvit {

struct AttentionSamples {
  TensorSamples query, key, value, probabilities, attended;
};

// `node` is an attention with windows. A pad has the key and the value that it has in the network; as a query it
// repeats the first token of its window, so that every row is one of the network's.
AttentionSamples in_windows(const FloatNetwork& network, const Node& node, const SegmentSamples& samples);

// Two of them alone.
TensorSamples probabilities_in_windows(const FloatNetwork& network, const Node& node, const SegmentSamples& samples);
TensorSamples values_in_windows(const FloatNetwork& network, const Node& node, const SegmentSamples& samples);

}  // namespace intvit
