// Rounding weights one input at a time, where each input's rounding error is made up for by the inputs that are still
// to come, as far as the inputs are correlated: second-order error feedback (GPTQ: Frantar et al., ICLR 2023; the idea
// goes back to Optimal Brain Surgeon, Hassibi and Stork 1993). What remains of the mean error goes into the bias.
#pragma once

#include "converter/weights/moments.h"
#include "converter/weights/quantize.h"

namespace intvit {

// Replaces the codes of `weights` (whose scales and zero points stay) and sets its bias correction. `layer` holds the
// float weights. Deterministic.
void round_with_feedback(const FloatLinear& layer, const Moments& moments, int threads, QuantizedWeights& weights);

}  // namespace intvit
