// Uniform quantizers: from a range to a scheme, the error that a scheme makes, and the range that loses least.
// Zero is always one of the codes, as whole zero points require. Not for output errors (channel_error.h).
#pragma once

#include <span>

#include "converter/observe/histogram.h"
#include "converter/plan/scheme.h"

namespace intvit {

// Codes that cover [low, high] and zero.
UniformScheme uniform_scheme(double low, double high, int bits);

// The same with a zero point that leaves neither end out by half a step: for the grid under the levels of a table.
UniformScheme grid_for(double low, double high, int bits);

// Sum of squared differences between the values and what the codes stand for.
double squared_error(const Histogram& histogram, const UniformScheme& scheme);

// Signal to quantization noise in dB; infinity without any error.
double sqnr_db(const Histogram& histogram, const UniformScheme& scheme);

// The range between the quantiles 1 - p and p that loses least, among p = 0.999, 0.9999, 0.99999 (the search of
// RepQ-ViT, Li et al., ICCV 2023, for uniform quantizers) and the whole range.
UniformScheme percentile_scheme(const Histogram& histogram, int bits);
UniformScheme percentile_scheme(std::span<const float> samples, int bits);

}  // namespace intvit
