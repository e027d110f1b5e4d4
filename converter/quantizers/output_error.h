// How much a scheme in front of a linear layer costs: the layer's output error, exactly or channel by channel.
#pragma once

#include <vector>

#include "converter/float/network.h"
#include "converter/observe/block_samples.h"
#include "converter/scheme.h"

namespace intvit {

// What an error of one input channel counts in the output: |W column|^2, scaled so that the mean is 1. Channels whose
// errors are independent of each other add up with these weights. A layer of zeros counts all channels alike.
std::vector<double> channel_importance(const FloatLinear& layer);

// Sum over all values of importance[c] * (x - what the scheme makes of x)^2, relative to sum importance[c] * x^2; 0 for
// samples of zeros.
double relative_input_error(const ActivationScheme& scheme, const SiteSamples& samples,
                            const std::vector<double>& importance);

// |W (x - what the scheme makes of x)|^2 over the rows of every `stride`-th picture, each output's mean removed (the
// bias takes it), relative to the same of |W x|^2; 0 if that is 0.
double relative_output_error(const ActivationScheme& scheme, const SiteSamples& samples, const FloatLinear& layer,
                             int stride);

}  // namespace intvit
