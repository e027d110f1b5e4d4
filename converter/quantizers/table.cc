#include "converter/quantizers/table.h"

#include <algorithm>

namespace intvit {

TableScheme nearest_level_table(std::vector<double> levels) {
  TableScheme table;
  for (std::size_t i = 0; i + 1 < levels.size(); ++i) table.thresholds.push_back((levels[i] + levels[i + 1]) / 2);
  table.levels = std::move(levels);
  return table;
}

TableScheme least_error_table(const Histogram& histogram, std::size_t count,
                              const std::function<TableScheme(std::size_t)>& make) {
  TableScheme best;
  double least = 0;
  for (std::size_t i = 0; i < count; ++i) {
    TableScheme candidate = make(i);
    const double error = squared_error(histogram, candidate);
    if (i > 0 && !(error < least)) continue;
    least = error;
    best = std::move(candidate);
  }
  return best;
}

TableScheme with_centroids(TableScheme table, std::span<const float> samples) {
  std::vector<double> sums(table.levels.size(), 0), counts(table.levels.size(), 0);
  for (const float x : samples) {
    const std::size_t code = code_of(x, table);
    sums[code] += x;
    counts[code] += 1;
  }
  for (std::size_t code = 0; code < sums.size(); ++code) {
    if (counts[code] > 0) table.levels[code] = sums[code] / counts[code];
  }
  return table;
}

ActivationScheme table_scheme(TableScheme table, int bits, int value_bits) {
  ActivationScheme scheme;
  scheme.kind = CodeKind::table;
  scheme.bits = bits;
  scheme.grid = grid_for(table.levels.front(), table.levels.back(), value_bits);
  scheme.table = std::move(table);
  return scheme;
}

}  // namespace intvit
