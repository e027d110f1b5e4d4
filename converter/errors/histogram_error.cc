#include "converter/errors/histogram_error.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace intvit {

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

double squared_error(const Histogram& histogram, const TableScheme& table) {
  double error = 0;
  histogram.for_each([&](double value, std::uint64_t count) {
    const double difference = value - value_of(value, table);
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

}  // namespace intvit
