// Values aside by share: the largest few of a tensor have no code and stay on its grid, so that the codes of all others
// are finer (scheme.h, `outlier`). The share is of the values that calibration sees.
#pragma once

#include <span>

#include "converter/observe/segment_samples.h"
#include "converter/plan/scheme.h"

namespace intvit {

// The magnitude that `share` (0..1) of the values exceed.
double threshold_aside(std::span<const float> values, double share);

// The same of a tensor; 0, none aside, if share is 0.
double threshold_aside(const TensorSamples& samples, double share);

// The table with the least squared error for all values but that share of them (least_square_levels.h), on a grid of 8
// bits that covers all. No values aside if share is 0. importance: what an error of each channel counts
// (channel_error.h); values[i] is of channel i mod its size.
ActivationScheme table_with_values_aside(std::span<const float> values, std::span<const double> importance, int bits,
                                         double share);

}  // namespace intvit
