// The patch embedding as the engine sees it: its inputs are the pixels' bytes, so that pixels need no quantizer at all.
// The float network's reads normalised pixels, (byte / 255 - mean) / stddev.
#pragma once

#include <span>

#include "converter/graph/layers.h"
#include "models/preprocessing.h"

namespace intvit {

// The layer of normalised pixels with mean and standard deviation folded into its weights and bias.
FloatLinear of_bytes(const FloatLinear& of_normalised, const Preprocessing& preprocessing);

// The inverse.
FloatLinear of_normalised(const FloatLinear& of_bytes, const Preprocessing& preprocessing);

// Rows of patches, (y, x, channel), from normalised pixels back to bytes.
void restore_bytes(std::span<float> pixels, const Preprocessing& preprocessing);

}  // namespace intvit
