#include "converter/quantizers/least_square_levels.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "converter/quantizers/table.h"

namespace intvit {
namespace {

constexpr int kRounds = 60;
constexpr std::size_t kMostSorted = 100000;

}  // namespace

TableScheme least_square_levels(std::span<const float> values, int bits) {
  std::vector<WeightedValue> weighted;
  weighted.reserve(values.size());
  for (const float x : values) weighted.push_back({x, 1});
  return least_square_levels(weighted, bits);
}

TableScheme least_square_levels(std::span<const WeightedValue> values, int bits) {
  std::vector<WeightedValue> some;
  const std::size_t step = std::max<std::size_t>(1, values.size() / kMostSorted);
  for (std::size_t i = 0; i < values.size(); i += step) some.push_back(values[i]);
  std::sort(some.begin(), some.end(), [](const WeightedValue& a, const WeightedValue& b) {
    return a.value != b.value ? a.value < b.value : a.weight < b.weight;
  });
  std::vector<double> sorted, weights = {0}, sums = {0};
  for (const WeightedValue& v : some) {
    sorted.push_back(v.value);
    weights.push_back(weights.back() + v.weight);
    sums.push_back(sums.back() + v.weight * v.value);
  }
  // Between equally frequent and equally wide, which is near where the alternation ends.
  const std::size_t count = std::size_t{1} << bits;
  std::vector<double> levels;
  for (std::size_t k = 0; k < count && !sorted.empty(); ++k) {
    const double share = (static_cast<double>(k) + 0.5) / static_cast<double>(count);
    const double frequent = sorted[static_cast<std::size_t>(share * static_cast<double>(sorted.size()))];
    levels.push_back(0.5 * frequent + 0.5 * (sorted.front() + share * (sorted.back() - sorted.front())));
  }
  for (int round = 0; round < kRounds; ++round) {
    std::size_t begin = 0;
    for (std::size_t k = 0; k < levels.size(); ++k) {
      const double border = k + 1 < levels.size() ? (levels[k] + levels[k + 1]) / 2 : INFINITY;
      const auto end = static_cast<std::size_t>(
          std::upper_bound(sorted.begin() + static_cast<std::ptrdiff_t>(begin), sorted.end(), border) - sorted.begin());
      if (weights[end] > weights[begin]) levels[k] = (sums[end] - sums[begin]) / (weights[end] - weights[begin]);
      begin = end;
    }
    std::sort(levels.begin(), levels.end());
  }
  levels.erase(
      std::unique(levels.begin(), levels.end(), [](double a, double b) { return b - a <= 1e-9 * (1 + std::abs(a)); }),
      levels.end());
  // A table has two levels at least; the second of a constant is never used.
  if (levels.empty()) levels.push_back(0);
  if (levels.size() == 1) levels.push_back(levels[0] + 1);
  return nearest_level_table(levels);
}

}  // namespace intvit
