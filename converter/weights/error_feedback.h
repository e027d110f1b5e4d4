// Rounding weights one input at a time, where each input's rounding error is made up for by the inputs that are still
// to come, as far as the inputs are correlated: second-order error feedback (GPTQ: Frantar et al., ICLR 2023; the idea
// goes back to Optimal Brain Surgeon, Hassibi and Stork 1993). What remains of the mean error goes into the bias.
#pragma once

#include "converter/weights/moments.h"
#include "converter/weights/quantize.h"

namespace intvit {

// Replaces the codes of `weights` and sets its bias correction. Scales and zero points stay, or are chosen again near
// those that are there, where the range is mse and there are fewer than 8 bits: what counts is the output's error
// behind the feedback, where quantize_weights() counts that of the weights. `layer` holds the float weights.
// Deterministic.
void round_with_feedback(const FloatLinear& layer, const Moments& moments, WeightRange range, int threads,
                         QuantizedWeights& weights);

}  // namespace intvit
