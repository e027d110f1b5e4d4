// Results that nobody measured, for tests of what is made of them.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "bench/common/random.h"
#include "bench/vitbench/row.h"

namespace intvit::test {

// `count` times around `median`, evenly from 95 % to 105 % of it, in no order.
inline std::vector<double> times_around(double median, int count = 41) {
  std::vector<double> times;
  for (int i = 0; i < count; ++i) times.push_back(median * (0.95 + 0.1 * i / (count - 1)));
  Random random(1);
  for (std::size_t left = times.size(); left > 1; --left) {
    std::swap(times[left - 1], times[static_cast<std::size_t>(random.integer(0, static_cast<std::int64_t>(left) - 1))]);
  }
  return times;
}

inline bench::Row made_up_row(const std::string& model, double median_ms) {
  bench::Row row;
  row.model = model;
  row.model_digest = "00000000000000aa";
  row.op_set = 2;
  row.isa = "avx2";
  row.threads = 2;
  row.batch = 4;
  row.pictures = "a.jpg,b.jpg";
  row.times = times_around(median_ms);
  row.milliseconds = summarize(row.times);
  row.gmac = 1.25;
  row.peak_gmac_s = 1000;
  row.peak_rss_mib = 9.5;
  row.barrier_ns = 480;
  row.cold = {1, 2, 3, 2.5, 400, 5};
  row.logits_digest = "00000000000000bb";
  return row;
}

}  // namespace intvit::test
