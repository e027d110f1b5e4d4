// A smaller network in which one segment's formats are timed: most of a large one's segments are alike, and what they
// take says nothing of the one at hand.
#pragma once

#include "converter/graph/network.h"

namespace intvit {

// The network without those other sampled segments behind which the same is alive as in front of them: as many tensors,
// of the same rows, columns and roles. What reads tensors behind such a segment reads those in front. All that remains
// keeps its name.
FloatNetwork without_other_segments(const FloatNetwork& network, int segment);

}  // namespace intvit
