#include "converter/quantizers/row_groups.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "converter/errors/attention_rows.h"
#include "converter/plan/simulate.h"

namespace intvit {
namespace {

constexpr int kMostRowRounds = 40;
constexpr int kCandidates = 36;
constexpr int kSampledRows = 2400;  // of an attention
// Bounds are sought from this share of the smallest row maximum on: below it, everything of every row is clipped.
constexpr double kLowestShare = 0.4;
// The reader of plans takes bounds from here on.
constexpr double kLeastBound = 1e-6;

}  // namespace

TableScheme uniform_levels(int bits) {
  TableScheme table;
  const int highest = (1 << bits) - 1;
  for (int q = 0; q <= highest; ++q) {
    table.levels.push_back(static_cast<double>(q) / highest);
    if (q > 0) table.thresholds.push_back((q - 0.5) / highest);
  }
  return table;
}

std::vector<double> alternate_row_bounds(const std::vector<double>& maxima, int groups) {
  std::vector<double> sorted = maxima;
  for (double& m : sorted) m = std::clamp(m, kLeastBound, 1.0);
  std::sort(sorted.begin(), sorted.end());
  std::vector<double> bounds;
  for (int g = 0; g < groups; ++g) {
    const double rank = (g + 0.5) / groups * static_cast<double>(sorted.size());
    const double bound = sorted[std::min(sorted.size() - 1, static_cast<std::size_t>(rank))];
    if (bounds.empty() || bound > bounds.back()) bounds.push_back(bound);
  }
  for (int round = 0; round < kMostRowRounds; ++round) {
    std::vector<double> sums(bounds.size(), 0);
    std::vector<int> counts(bounds.size(), 0);
    for (const double m : sorted) {
      const auto g = static_cast<std::size_t>(nearest_bound(bounds, m));
      sums[g] += std::log(m);
      ++counts[g];
    }
    const std::vector<double> before = bounds;
    for (std::size_t g = 0; g < bounds.size(); ++g) {
      if (counts[g] > 0) bounds[g] = std::min(1.0, std::exp(sums[g] / counts[g]));
    }
    std::sort(bounds.begin(), bounds.end());
    if (bounds == before) break;
  }
  return bounds;
}

std::vector<double> best_row_bounds(const std::vector<double>& maxima, const std::vector<double>& candidates,
                                    const std::vector<double>& errors, int groups) {
  const std::size_t rows = maxima.size(), count = candidates.size();
  std::vector<std::size_t> order(rows);
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return maxima[a] < maxima[b]; });
  // sums[i][n]: what the n rows with the smallest maxima cost with candidate i.
  std::vector<std::vector<double>> sums(count, std::vector<double>(rows + 1, 0));
  for (std::size_t n = 0; n < rows; ++n) {
    for (std::size_t i = 0; i < count; ++i) sums[i][n + 1] = sums[i][n] + errors[order[n] * count + i];
  }
  // Number of rows that nearest_bound() leaves with the smaller of two neighbours.
  const auto border = [&](std::size_t i, std::size_t j) {
    const double product = candidates[i] * candidates[j];
    const auto first = std::partition_point(order.begin(), order.end(),
                                            [&](std::size_t r) { return !(maxima[r] * maxima[r] > product); });
    return static_cast<std::size_t>(first - order.begin());
  };
  // cost[g][j]: the least cost of all rows below the largest bound, where that is candidate j and g bounds lie below
  // it, plus sums[j] from the border on; sums[j][rows] is added in the end.
  const double infinity = std::numeric_limits<double>::infinity();
  const auto most = std::min(static_cast<std::size_t>(std::max(groups, 1)), count);
  std::vector<std::vector<double>> cost(most, std::vector<double>(count, infinity));
  std::vector<std::vector<std::size_t>> below(most, std::vector<std::size_t>(count, 0));
  for (std::size_t j = 0; j < count; ++j) cost[0][j] = 0;
  for (std::size_t j = 0; j < count; ++j) {
    for (std::size_t i = 0; i < j; ++i) {
      const std::size_t at = border(i, j);
      const double step = sums[i][at] - sums[j][at];
      for (std::size_t g = 1; g < most; ++g) {
        if (cost[g - 1][i] + step < cost[g][j]) {
          cost[g][j] = cost[g - 1][i] + step;
          below[g][j] = i;
        }
      }
    }
  }
  std::size_t best_groups = 0, best_last = 0;
  double least = infinity;
  for (std::size_t g = 0; g < most; ++g) {
    for (std::size_t j = 0; j < count; ++j) {
      if (cost[g][j] + sums[j][rows] < least) {
        least = cost[g][j] + sums[j][rows];
        best_groups = g;
        best_last = j;
      }
    }
  }
  std::vector<double> bounds;
  for (std::size_t g = best_groups, j = best_last;; --g) {
    bounds.push_back(candidates[j]);
    if (g == 0) break;
    j = below[g][j];
  }
  std::reverse(bounds.begin(), bounds.end());
  return bounds;
}

SoftmaxScheme row_groups(const TensorSamples& probabilities, const TensorSamples& values, int heads,
                         const RowGroupOptions& options, int threads) {
  SoftmaxScheme scheme;
  scheme.codes = SoftmaxKind::absolute;
  scheme.bits = options.bits;
  scheme.value_bits = options.value_bits;
  scheme.tables = {uniform_levels(options.bits)};

  const MaximumRange range = row_maximum_range(probabilities);
  const double first = std::clamp(range.least * kLowestShare, kLeastBound, 1.0);
  const double last = std::clamp(range.largest, first, 1.0);
  std::vector<double> candidates;
  std::vector<SoftmaxScheme> alternatives;
  for (int i = 0; i < kCandidates; ++i) {
    const double bound = std::min(1.0, first * std::pow(last / first, static_cast<double>(i) / (kCandidates - 1)));
    if (!candidates.empty() && !(bound > candidates.back())) continue;
    candidates.push_back(bound);
    scheme.bounds = {bound};
    alternatives.push_back(scheme);
  }
  const AttentionRows rows = attention_rows(probabilities, values, heads, alternatives, kSampledRows, threads);
  scheme.bounds = best_row_bounds(rows.maxima, candidates, rows.errors, options.groups);
  return scheme;
}

}  // namespace intvit
