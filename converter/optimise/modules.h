// The parts of a network that are optimised one at a time: an attention with the layers around it, an MLP. Each ends
// where something has been added to the residual stream, or with its segment.
#pragma once

#include <vector>

#include "converter/graph/network.h"
#include "converter/optimise/tape.h"

namespace intvit {

// All of a segment, in order.
std::vector<NodeRange> modules_of(const FloatNetwork& network, const Segment& segment);

// What it reads of nodes in front of it, and what it writes that somebody behind it reads.
std::vector<TensorId> entries_of(const FloatNetwork& network, NodeRange module);
std::vector<TensorId> exits_of(const FloatNetwork& network, NodeRange module);

// A node without a backward pass; null if all have one.
const Node* unlearnable(const FloatNetwork& network, NodeRange module);

}  // namespace intvit
