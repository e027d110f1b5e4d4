// Where the values of a float network stop being finite. Weights are finite (read/safetensors.cc), but their products
// may not be.
#pragma once

#include <cstddef>
#include <cstdint>

#include "converter/float/forward.h"
#include "converter/graph/network.h"
#include "intvit/status.h"

namespace intvit {

bool all_finite(const float* values, std::size_t count);

// corrupt_file, naming the tensor, which has an infinity or a NaN.
Status not_finite(const FloatNetwork& network, TensorId tensor);

// After `forward` has run on `picture`: whether its outputs are finite, else not_finite() of the first tensor that is
// not, for which it is run again.
Status check_finite(const FloatNetwork& network, FloatForward& forward, const std::uint8_t* picture);

}  // namespace intvit
