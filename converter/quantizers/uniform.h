// Ranges of uniform quantizers by the error of the values themselves. Not for output errors (choose_activation.h).
#pragma once

#include <array>
#include <span>

#include "converter/errors/histogram_error.h"
#include "converter/observe/histogram.h"
#include "converter/plan/scheme.h"

namespace intvit {

// Where ranges end: what is beyond these shares of the values is clipped. 1: nothing.
inline constexpr std::array kPercentiles = {1.0, 0.99999, 0.9999, 0.999};

// The range between the quantiles 1 - p and p that loses least, among p = 0.999, 0.9999, 0.99999 (the search of
// RepQ-ViT, Li et al., ICCV 2023, for uniform quantizers) and the whole range.
UniformScheme percentile_scheme(const Histogram& histogram, int bits);
UniformScheme percentile_scheme(std::span<const float> samples, int bits);

}  // namespace intvit
