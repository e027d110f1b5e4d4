// How much errors of single values count at the network's output. Values of a residual stream differ by orders of
// magnitude in that: a class token is read by the head, and most patches only through attention.
#pragma once

#include <cstdint>
#include <map>
#include <vector>

#include "converter/graph/network.h"
#include "converter/optimise/live_tensors.h"

namespace intvit {

// By tensor; rows x columns numbers with the mean 1.
using Importance = std::map<TensorId, std::vector<float>>;

// Of `tensors`, which nodes from `begin` on write, on the pictures `states`, which are the float network's in front of
// `begin`: the mean square of d (z . output) / d value with z of random
// signs, which is the diagonal of J^T J of the output that quality is measured at. To the power `exponent`.
Importance importance_of(const FloatNetwork& network, int begin, const std::vector<TensorId>& tensors,
                         const std::vector<const LiveTensors*>& states, double exponent, std::uint64_t seed,
                         int threads);

}  // namespace intvit
