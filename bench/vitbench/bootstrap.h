// How sure the ratio of two medians is.
#pragma once

#include <vector>

namespace intvit::bench {

struct Ratio {
  double value = 1;  // median of the new times / median of the old ones
  double low = 1;    // 95 % confidence interval
  double high = 1;
};

// Block bootstrap: the ratio's 2.5th and 97.5th percentile over resamples of both, always the same ones. Blocks of runs
// that followed each other are drawn, not single runs, since neighbours are alike: a machine is busy for a while. It
// cannot know what changed on the machine between the two measurements. Times are in the order in which they were
// measured; neither may be empty, and all must be above 0.
Ratio ratio_of_medians(const std::vector<double>& new_times, const std::vector<double>& old_times);

}  // namespace intvit::bench
