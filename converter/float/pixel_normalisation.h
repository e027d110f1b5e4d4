// The patch embedding as the engine sees it: its inputs are the pixels' bytes.
#pragma once

#include "converter/float/network.h"

namespace intvit {

// Folds (p / 255 - mean) / stddev into weights and bias, so that pixels need no quantizer at all.
FloatLinear fold_normalisation(const FloatLinear& patch_embed, const Preprocessing& preprocessing);

// The inverse: a layer on bytes -> the same layer on normalised pixels.
FloatLinear unfold_normalisation(const FloatLinear& folded, const Preprocessing& preprocessing);

}  // namespace intvit
