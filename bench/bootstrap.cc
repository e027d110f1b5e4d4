#include "bench/bootstrap.h"

#include <algorithm>
#include <cstdint>
#include <random>

#include "engine/tools/run_times.h"

namespace intvit::bench {
namespace {

constexpr int kResamples = 2000;
constexpr std::uint64_t kSeed = 20240229;

// The median of as many values, each drawn from all. The remainder favours small indices by less than 2^-40.
double resampled_median(const std::vector<double>& values, std::mt19937_64& random, std::vector<double>& drawn) {
  drawn.resize(values.size());
  for (double& value : drawn) value = values[random() % values.size()];
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
