// Run times of a session, and their order statistics. The median is what tools compare by: the mean follows every
// hiccup of the machine, and the minimum tells how long the work takes when nothing disturbs it.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "intvit/session.h"

namespace intvit {

struct Summary {
  double median = 0;
  double min = 0;
  double p90 = 0;  // nine of ten runs took no longer
  double p99 = 0;
  double spread_percent = 0;  // from the first to the third quartile, in percent of the median
  double stddev = 0;          // of the sample; 0 of one
};

// Painted pictures that are the same everywhere, and different for each place of a batch.
void paint_pictures(Session& session);

// Runs a session once on the pictures that it has, a whole batch, and returns the milliseconds.
using RunOnce = std::function<double(Session&)>;
double timed_run(Session& session);

// Between two samples, interpolated linearly, as NumPy does. `fraction` is 0 to 1; `sorted` must not be empty.
double percentile(const std::vector<double>& sorted, double fraction);

// `samples` must not be empty.
Summary summarize(std::vector<double> samples);

}  // namespace intvit
