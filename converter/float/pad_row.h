// What a pad of a window has as its query, key or value: that of a token whose input to the projection is zero.
#pragma once

#include <vector>

#include "converter/graph/network.h"

namespace intvit {

// Zeros where the tensor comes from no projection: then there are no pads, or nobody sees them.
std::vector<float> pad_row(const FloatNetwork& network, TensorId id);

}  // namespace intvit
