// Steps of the residual stream: two_scaled_residual.h.
#include "converter/quantizers/two_scaled_residual.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "converter/errors/channel_error.h"
#include "tests/converter/uneven_samples.h"

using namespace intvit;

TEST_CASE("residual steps keep to the common unit, and two steps are better than one") {
  const TensorSamples samples = uneven_samples(60, 40);
  std::vector<float> rows;
  for (const auto& picture : samples.pictures) rows.insert(rows.end(), picture.begin(), picture.end());
  const FloatLayerNorm norm{std::vector<float>(40, 1.0f), std::vector<float>(40, 0.1f)};
  double largest = 0;
  for (const float x : rows) largest = std::max<double>(largest, std::abs(x));
  for (const int bits : {6, 8}) {
    ResidualSearch search(3 * largest, bits, 2);
    search.add("a", channel_magnitudes(samples), rows, norm, 1e-6);
    std::vector<float> small = rows;
    for (float& x : small) x /= 50;
    std::vector<double> magnitudes = channel_magnitudes(samples);
    for (double& m : magnitudes) m /= 50;
    search.add("b", magnitudes, small, norm, 1e-6);
    const auto schemes = search.best();
    REQUIRE(schemes.size() == 2);
    double unit = 1e9, coarsest = 0;
    for (const auto& [name, scheme] : schemes) {
      unit = std::min(unit, scheme.step / 2);
      coarsest = std::max(coarsest, std::ldexp(scheme.step, scheme.coarse_shift));
    }
    CHECK(coarsest / unit <= std::ldexp(1.0, 16 - bits) * (1 + 1e-12));
    const double ratio = std::log2(schemes.at("a").step / schemes.at("b").step);
    CHECK(ratio == doctest::Approx(std::round(ratio)));
    CHECK(std::is_sorted(schemes.at("a").coarse_channels.begin(), schemes.at("a").coarse_channels.end()));
    const double found = layer_norm_error(schemes.at("a"), rows, norm, 1e-6);
    for (int exponent = -4; exponent <= 4; ++exponent) {
      const ResidualScheme one_step{bits, std::ldexp(schemes.at("a").step, exponent), 0, {}};
      CHECK(found <= layer_norm_error(one_step, rows, norm, 1e-6) * 1.0001);
    }
  }
}
