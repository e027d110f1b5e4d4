// Order statistics of run times. The median is what vitbench compares by: the mean follows every hiccup of the machine,
// and the minimum tells how long the work takes when nothing disturbs it.
#pragma once

#include <vector>

namespace intvit::bench {

struct Summary {
  double median = 0;
  double min = 0;
  double p90 = 0;  // nine of ten runs took no longer
};

// `samples` must not be empty. Percentiles between two samples are interpolated linearly, as NumPy does.
Summary summarize(std::vector<double> samples);

}  // namespace intvit::bench
