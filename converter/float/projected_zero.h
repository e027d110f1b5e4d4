// What a query, key or value is where the input to its projection is zero, as the pads of windows have it.
#pragma once

#include <vector>

#include "converter/graph/network.h"

namespace intvit {

// A row of the tensor: what the projection makes of its Linear::zero, normed where its heads are. Zeros where the
// tensor is no projection, or a key without bias.
std::vector<float> projected_zero(const FloatNetwork& network, TensorId id);

}  // namespace intvit
