// Uniform quantizers by the error of the values themselves: the error that a scheme makes, and the range that loses
// least. Not for output errors (errors/channel_error.h).
#pragma once

#include <span>

#include "converter/observe/histogram.h"
#include "converter/plan/scheme.h"

namespace intvit {

// Sum of squared differences between the values and what the codes stand for.
double squared_error(const Histogram& histogram, const UniformScheme& scheme);

// Signal to quantization noise in dB; infinity without any error.
double sqnr_db(const Histogram& histogram, const UniformScheme& scheme);

// The range between the quantiles 1 - p and p that loses least, among p = 0.999, 0.9999, 0.99999 (the search of
// RepQ-ViT, Li et al., ICCV 2023, for uniform quantizers) and the whole range.
UniformScheme percentile_scheme(const Histogram& histogram, int bits);
UniformScheme percentile_scheme(std::span<const float> samples, int bits);

}  // namespace intvit
