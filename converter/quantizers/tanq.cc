#include "converter/quantizers/tanq.h"

#include <cmath>

namespace intvit {

TableScheme tan_table(const TanAngles& angles, int bits) {
  const double alpha = angles.at_zero + angles.at_one, beta = angles.at_zero / alpha;
  const double at_zero = -std::tan(angles.at_zero), at_one = std::tan(angles.at_one);
  const int highest = (1 << bits) - 1;
  const auto inverse = [&](double code) {
    return beta + std::atan(at_zero + (at_one - at_zero) * code / highest) / alpha;
  };
  TableScheme table;
  for (int q = 0; q <= highest; ++q) {
    // The ends without the rounding of tan and arctan.
    table.levels.push_back(q == 0 ? 0.0 : q == highest ? 1.0 : inverse(q));
    if (q < highest) table.thresholds.push_back(inverse(q + 0.5));
  }
  return table;
}

std::vector<TanAngles> tan_candidates() {
  std::vector<TanAngles> candidates;
  for (int i = 0; i <= 9; ++i) {
    for (int j = 0; j <= 10; ++j) candidates.push_back({1.20 + 0.04 * i, 0.14 * j});
  }
  return candidates;
}

}  // namespace intvit
