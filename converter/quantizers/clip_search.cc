#include "converter/quantizers/clip_search.h"

#include <algorithm>
#include <cmath>

#include "converter/plan/rounding.h"
#include "converter/plan/scheme.h"

namespace intvit {

std::vector<WeightedValue> weighted_values(const Histogram& histogram) {
  std::vector<WeightedValue> values;
  histogram.for_each([&](double value, std::uint64_t count) {
    // The middle of an outer bin may lie beyond what was seen.
    values.push_back({std::clamp(value, histogram.min(), histogram.max()), static_cast<double>(count)});
  });
  return values;
}

std::vector<WeightedValue> weighted_values(const TensorSamples& samples, const std::vector<double>& channel_weights) {
  constexpr std::size_t kBins = 4096;
  const auto cols = static_cast<std::size_t>(samples.cols);
  float low = 0, high = 0;
  for (const std::vector<float>& picture : samples.pictures) {
    for (const float x : picture) {
      low = std::min(low, x);
      high = std::max(high, x);
    }
  }
  if (!(high > low)) return {};
  const double per_unit = static_cast<double>(kBins - 1) / (static_cast<double>(high) - low);
  std::vector<double> weights(kBins, 0);
  for (const std::vector<float>& picture : samples.pictures) {
    for (std::size_t i = 0; i < picture.size(); ++i) {
      const double bin = (static_cast<double>(picture[i]) - low) * per_unit + 0.5;
      weights[std::min(kBins - 1, static_cast<std::size_t>(bin))] += channel_weights[i % cols];
    }
  }
  std::vector<WeightedValue> values;
  for (std::size_t b = 0; b < kBins; ++b) {
    if (weights[b] > 0) values.push_back({low + static_cast<double>(b) / per_unit, weights[b]});
  }
  return values;
}

double squared_error(std::span<const WeightedValue> values, const UniformScheme& scheme) {
  const double inverse = 1 / scheme.scale, lowest = -scheme.zero_point,
               highest = scheme.highest_code() - scheme.zero_point;
  double error = 0;
  for (const WeightedValue& v : values) {
    const double steps = rounded(std::clamp(v.value * inverse, lowest, highest));
    const double difference = v.value - scheme.scale * steps;
    error += difference * difference * v.weight;
  }
  return error;
}

UniformScheme least_error_range(std::span<const WeightedValue> values, int bits) {
  double low = 0, high = 0;
  for (const WeightedValue& v : values) {
    low = std::min(low, v.value);
    high = std::max(high, v.value);
  }
  UniformScheme best = uniform_scheme(low, high, bits);
  double least = squared_error(values, best);
  double best_low = low, best_high = high;
  const auto consider = [&](double new_low, double new_high) {
    const UniformScheme scheme = uniform_scheme(new_low, new_high, bits);
    const double error = squared_error(values, scheme);
    if (error >= least) return;
    least = error;
    best = scheme;
    best_low = new_low;
    best_high = new_high;
  };
  if (!(high > low)) return best;
  constexpr int kSteps = 20;
  constexpr double kFactor = 0.93, kFineFactor = 0.985;
  for (int i = 1; i <= kSteps; ++i) consider(low * std::pow(kFactor, i), high * std::pow(kFactor, i));
  for (const double factor : {kFactor, kFineFactor}) {
    // From where the last search ended, towards zero and away from it, never beyond the extremes.
    for (const bool upper : {true, false}) {
      const double from = upper ? best_high : best_low, other = upper ? best_low : best_high;
      for (int i = -4; i <= (factor == kFactor ? kSteps / 2 : 4); ++i) {
        const double end = std::clamp(from * std::pow(factor, i), low, high);
        upper ? consider(other, end) : consider(end, other);
      }
    }
  }
  return best;
}

}  // namespace intvit
