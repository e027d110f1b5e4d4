// Quantizers with two step sizes: the small, dense values keep a code's low bits, the few large ones its high bits. One
// bit of a code says which step it counts in, so there are up to 2^bits levels: codes of the coarse half that name a
// value of the fine half are never used. All of them send a value to the nearest level. The papers' rules do the same
// wherever both halves overlap; where they do not (a large ratio of the steps), the published rules would map values
// just above the fine half to 0.
//   V-2SF of TSPTQ-ViT (Tai et al., ICASSP 2023): steps in the ratio 2^shift, the coarse one given by the largest value
//   twin uniform of PTQ4ViT (Yuan et al., ECCV 2022): the same two ranges for softmax; split by sign for GELU
// The layout of V-2SF's codes for GELU is our reading of the paper.
#pragma once

#include "converter/plan/scheme.h"

namespace intvit {

// Softmax: 2^(bits-1) fine levels from 0, coarse ones up to 1.
TableScheme two_scaled_probabilities(int shift, int bits);

// GELU: fine levels from -2^(bits-2) to 2^(bits-2) - 1 steps, coarse ones up to `largest`.
TableScheme two_scaled_activations(double largest, int shift, int bits);

// PTQ4ViT's split of softmax at 2^-split: 2^(bits-1) levels over [0, 2^-split], as many over [0, 1].
TableScheme twin_uniform_probabilities(int split, int bits);

// PTQ4ViT's split of GELU by sign: 2^(bits-1) levels below zero that reach GELU's minimum, and as many from zero to
// `largest`.
TableScheme twin_uniform_activations(double largest, int bits);

}  // namespace intvit
