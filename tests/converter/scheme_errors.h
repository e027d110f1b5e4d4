// What a scheme makes of samples, and samples of channels that differ more than those of uneven_samples.h.
#pragma once

#include <vector>

#include "converter/observe/segment_samples.h"
#include "converter/plan/scheme.h"

// Of very different widths and means; channel 0 is dead, channel 1 constant. [pictures][rows][cols].
intvit::TensorSamples uneven_channels(int pictures, int rows, int cols, unsigned seed);

// The squared error of all values.
double error_of(const intvit::ActivationScheme& scheme, const intvit::TensorSamples& samples);

// 1 for every channel.
std::vector<double> equal_weights(const intvit::TensorSamples& samples);
