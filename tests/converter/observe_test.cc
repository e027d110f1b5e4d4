// Histograms and the schemes that are chosen from them.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <random>
#include <vector>

#include "converter/errors/histogram_error.h"
#include "converter/observe/histogram.h"
#include "converter/quantizers/uniform.h"

using namespace intvit;

namespace {

std::vector<float> bell(std::size_t count, float deviation, unsigned seed) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal(0, deviation);
  std::vector<float> values(count);
  for (float& value : values) value = normal(random);
  return values;
}

}  // namespace

TEST_CASE("a histogram knows extremes exactly and quantiles to a bin, whatever the order of magnitudes") {
  // Growing chunks force the bins to be merged again and again.
  Histogram histogram;
  std::vector<float> all;
  for (unsigned i = 0; i < 12; ++i) {
    const std::vector<float> chunk = bell(5000, std::ldexp(1.0f, static_cast<int>(i) - 6), i);
    histogram.add(chunk.data(), chunk.size());
    all.insert(all.end(), chunk.begin(), chunk.end());
  }
  std::sort(all.begin(), all.end());
  CHECK(histogram.count() == all.size());
  CHECK(histogram.min() == all.front());
  CHECK(histogram.max() == all.back());
  const double bin = (all.back() - all.front()) / (Histogram::kBins / 4);
  for (const double p : {0.001, 0.1, 0.5, 0.9, 0.999}) {
    CAPTURE(p);
    const double exact = all[static_cast<std::size_t>(p * static_cast<double>(all.size() - 1))];
    CHECK(std::abs(histogram.quantile(p) - exact) < 2 * bin);
  }
  CHECK(histogram.quantile(0) == all.front());
  CHECK(histogram.quantile(1) == all.back());
}

TEST_CASE("constant and single values do not break a histogram") {
  for (const float value : {0.0f, 1.0f, -3.5e8f, 1e-20f}) {
    CAPTURE(value);
    Histogram histogram;
    const std::vector<float> values(100, value);
    histogram.add(values.data(), values.size());
    CHECK(histogram.min() == value);
    CHECK(histogram.max() == value);
    const UniformScheme scheme = uniform_scheme(histogram.min(), histogram.max(), 8);
    CHECK(scheme.scale > 0);
    CHECK(scheme.zero_point >= 0);
    CHECK(scheme.zero_point <= 255);
  }
}

TEST_CASE("a uniform scheme covers its range and represents zero exactly") {
  for (const auto& [low, high] : {std::pair{-1.0, 3.0}, {0.0, 5.0}, {-2.0, 0.0}, {0.5, 2.0}, {-7.0, -1.0}}) {
    for (const int bits : {4, 6, 8}) {
      CAPTURE(low);
      CAPTURE(bits);
      const UniformScheme scheme = uniform_scheme(low, high, bits);
      CHECK(scheme.lowest() <= low + scheme.scale / 2 + 1e-12);
      CHECK(scheme.highest() >= high - scheme.scale / 2 - 1e-12);
    }
  }
}

TEST_CASE("percentile never loses more than minmax by its own measure, and clips outliers") {
  std::vector<float> values = bell(200000, 1, 5);
  values[7] = 300;  // one outlier that makes the plain range useless
  Histogram histogram;
  histogram.add(values.data(), values.size());
  const double plain = squared_error(histogram, uniform_scheme(histogram.min(), histogram.max(), 4));
  const double clipped =
      squared_error(histogram, uniform_scheme(histogram.quantile(1e-5), histogram.quantile(1 - 1e-5), 4));
  CHECK(clipped < plain);
  CHECK(sqnr_db(histogram, uniform_scheme(histogram.min(), histogram.max(), 8)) >
        sqnr_db(histogram, uniform_scheme(histogram.min(), histogram.max(), 4)));
}
