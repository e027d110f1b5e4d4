// Channels centred and partly brought to the same deviation, in front of codes that the channels of a token share.
#pragma once

#include "converter/observe/segment_samples.h"
#include "converter/plan/scheme.h"

namespace intvit {

// x' = (x - mean of the channel) / (deviation of the channel / geometric mean of deviations)^exponent. Channels that do
// not vary keep their scale.
Equalisation deviation_equalisation(const TensorSamples& samples, double exponent);

}  // namespace intvit
