// A network of a known architecture with random weights: for measuring latency without a checkpoint, and for tests.
#pragma once

#include <cstdint>

#include "converter/float/network.h"

namespace intvit {

// Weights normal with deviation 1 / sqrt(inputs), so that activations have the size of a trained network's. The same
// seed gives the same weights everywhere.
FloatNetwork random_network(const VitDescription& description, std::uint64_t seed);

}  // namespace intvit
