#include "converter/quantizers/logarithmic.h"

#include <algorithm>
#include <cmath>

#include "converter/quantizers/table.h"
#include "converter/quantizers/uniform.h"

namespace intvit {
namespace {

// A delta of a tensor that is constant at its shift.
constexpr double kLeastDelta = 0x1p-20;

}  // namespace

TableScheme shifted_logarithmic_table(LogarithmBase base, double delta, double shift, int bits) {
  const double step = base == LogarithmBase::two ? 1 : 0.5;
  const int last = (1 << bits) - 2;
  TableScheme table;
  table.levels.push_back(shift);
  for (int q = last; q >= 0; --q) {
    table.thresholds.push_back(delta * std::exp2(-step * (q + 0.5)) + shift);
    table.levels.push_back(delta * std::exp2(-step * q) + shift);
  }
  // Where the shift swallows them, the smallest levels are equal in double precision; they then stay unused.
  std::size_t unused = 0;
  while (unused + 2 < table.levels.size() && !(table.levels[unused + 1] > table.levels[unused])) ++unused;
  const auto count = static_cast<std::ptrdiff_t>(unused);
  table.levels.erase(table.levels.begin(), table.levels.begin() + count);
  table.thresholds.erase(table.thresholds.begin(), table.thresholds.begin() + count);
  return table;
}

TableScheme logarithmic_table(LogarithmBase base, double delta, int bits) {
  return shifted_logarithmic_table(base, delta, 0, bits);
}

TableScheme best_shifted_logarithmic_table(LogarithmBase base, const Histogram& values, double shift, int bits) {
  return least_error_table(values, kPercentiles.size(), [&](std::size_t i) {
    const double delta = std::max(values.quantile(kPercentiles[i]) - shift, kLeastDelta);
    return shifted_logarithmic_table(base, delta, shift, bits);
  });
}

TableScheme best_logarithmic_table(LogarithmBase base, const Histogram& values, int bits) {
  return best_shifted_logarithmic_table(base, values, 0, bits);
}

}  // namespace intvit
