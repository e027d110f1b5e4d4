// An exact rescaling inside the attention that makes one uniform quantizer per head fit all channels of the values, and
// one for all heads their products with the probabilities. Neither in IGQ-ViT nor in ADFQ-ViT; the idea is RepQ-ViT's
// reparameterisation, moved to where the layers before and behind are linear (converter/equalise.h).
// Query and key are left alone: sharing their channels' magnitudes made predictions worse (docs/quantizers.md).
#pragma once

#include "converter/observe/block_samples.h"
#include "converter/scheme.h"

namespace intvit {

// Every channel of a head gets about the same width around zero: the scale is the geometric mean of what the values and
// what the attention's output would need, the offset is the middle of the values. The proj layer's columns and bias
// take both. Channels without width keep scale 1.
Equalisation value_balance(const SiteSamples& values, const SiteSamples& attention_output);

}  // namespace intvit
