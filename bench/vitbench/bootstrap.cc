#include "bench/vitbench/bootstrap.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <random>

#include "bench/vitbench/run_times.h"

namespace intvit::bench {
namespace {

constexpr int kResamples = 2000;
constexpr std::uint64_t kSeed = 20240229;

// The median of as many values, drawn in blocks of about their number's cube root, the length that suits weak
// dependence; the last value is followed by the first.
double resampled_median(const std::vector<double>& values, std::mt19937_64& random, std::vector<double>& drawn) {
  const auto block = static_cast<std::size_t>(std::lround(std::cbrt(values.size())));
  drawn.clear();
  while (drawn.size() < values.size()) {
    const std::size_t first = random() % values.size();
    for (std::size_t i = 0; i < block && drawn.size() < values.size(); ++i) {
      drawn.push_back(values[(first + i) % values.size()]);
    }
  }
  const auto middle = drawn.begin() + static_cast<std::ptrdiff_t>(drawn.size() / 2);
  std::nth_element(drawn.begin(), middle, drawn.end());
  if (drawn.size() % 2 == 1) return *middle;
  return (*std::max_element(drawn.begin(), middle) + *middle) / 2;
}

}  // namespace

Ratio ratio_of_medians(const std::vector<double>& new_times, const std::vector<double>& old_times) {
  std::mt19937_64 random(kSeed);
  std::vector<double> ratios, drawn;
  for (int i = 0; i < kResamples; ++i) {
    const double median = resampled_median(new_times, random, drawn);
    ratios.push_back(median / resampled_median(old_times, random, drawn));
  }
  std::sort(ratios.begin(), ratios.end());
  return {summarize(new_times).median / summarize(old_times).median, percentile(ratios, 0.025),
          percentile(ratios, 0.975)};
}

}  // namespace intvit::bench
