// A Swin Transformer with seeded random weights: for tests and for `vitconvert synth`.
#pragma once

#include <cstdint>

#include "converter/families/swin/weights.h"

namespace intvit {

// The same on every machine.
SwinWeights random_swin_weights(const SwinDescription& swin, std::uint64_t seed);

}  // namespace intvit
