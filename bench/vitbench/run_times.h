// Run times of a session, and their order statistics. The median is what tools compare by: the mean follows every
// hiccup of the machine, and the minimum tells how long the work takes when nothing disturbs it.
#pragma once

#include <cstdint>
#include <vector>

#include "intvit/session.h"

namespace intvit {

struct Summary {
  double median = 0;
  double min = 0;
  double p90 = 0;  // nine of ten runs took no longer
  double p99 = 0;
  double spread_percent = 0;  // from the first to the third quartile, in percent of the median
};

// Painted pictures that are the same everywhere, and different for each place of a batch.
void paint_pictures(Session& session);

// Runs a session on the pictures that it has.
class TimedRuns {
 public:
  // The session is kept by reference.
  explicit TimedRuns(Session& session) : session_(session) {}

  // Milliseconds of one run of a whole batch.
  double run_once();

 private:
  Session& session_;
};

// Between two samples, interpolated linearly, as NumPy does. `fraction` is 0 to 1; `sorted` must not be empty.
double percentile(const std::vector<double>& sorted, double fraction);

// `samples` must not be empty.
Summary summarize(std::vector<double> samples);

}  // namespace intvit
