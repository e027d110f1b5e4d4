// The patch embedding of bytes, so that pixels need no quantizer at all.
#pragma once

#include "converter/float/network.h"

namespace intvit {

// Folds (p / 255 - mean) / stddev into the weights and bias of a layer that reads normalised pixels.
FloatLinear fold_normalisation(const FloatLinear& patch_embed, const Preprocessing& preprocessing);

}  // namespace intvit
