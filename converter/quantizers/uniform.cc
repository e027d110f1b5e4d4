#include "converter/quantizers/uniform.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

namespace intvit {
namespace {

constexpr std::array kPercentiles = {1.0, 0.99999, 0.9999, 0.999};

}  // namespace

double squared_error(const Histogram& histogram, const UniformScheme& scheme) {
  const double highest = scheme.highest_code();
  double error = 0;
  histogram.for_each([&](double value, std::uint64_t count) {
    const double code = std::clamp(std::round(value / scheme.scale) + scheme.zero_point, 0.0, highest);
    const double difference = value - scheme.value(code);
    error += difference * difference * static_cast<double>(count);
  });
  return error;
}

double sqnr_db(const Histogram& histogram, const UniformScheme& scheme) {
  double signal = 0;
  histogram.for_each([&](double value, std::uint64_t count) { signal += value * value * static_cast<double>(count); });
  const double noise = squared_error(histogram, scheme);
  return noise > 0 ? 10 * std::log10(signal / noise) : std::numeric_limits<double>::infinity();
}

UniformScheme percentile_scheme(const Histogram& histogram, int bits) {
  UniformScheme best;
  double least = -1;
  for (const double p : kPercentiles) {
    const UniformScheme scheme = uniform_scheme(histogram.quantile(1 - p), histogram.quantile(p), bits);
    const double error = squared_error(histogram, scheme);
    if (least < 0 || error < least) {
      best = scheme;
      least = error;
    }
  }
  return best;
}

UniformScheme percentile_scheme(std::span<const float> samples, int bits) {
  Histogram histogram;
  histogram.add(samples.data(), samples.size());
  return percentile_scheme(histogram, bits);
}

}  // namespace intvit
