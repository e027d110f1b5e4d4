// What a node needs of its tensors. Internal to check_network().
#pragma once

#include <string>

#include "converter/graph/network.h"

namespace intvit {

// What is wrong with the shapes of a node's tensors and weights; empty if nothing is. Its tensors exist.
std::string shape_problem(const FloatNetwork& network, const Node& node);

}  // namespace intvit
