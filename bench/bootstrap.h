// How sure the ratio of two medians is.
#pragma once

#include <vector>

namespace intvit::bench {

struct Ratio {
  double value = 1;  // median of the new times / median of the old ones
  double low = 1;    // 95 % confidence interval
  double high = 1;
};

// Percentile bootstrap: the ratio's 2.5th and 97.5th percentile over resamples of both, always the same ones. It knows
// the scatter within each measurement, not what has changed on the machine between them. Neither may be empty, and all
// times must be above 0.
Ratio ratio_of_medians(const std::vector<double>& new_times, const std::vector<double>& old_times);

}  // namespace intvit::bench
