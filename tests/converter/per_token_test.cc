// A quantizer per token position, with large values kept aside (ADFQ-ViT).
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "converter/plan/simulate.h"
#include "converter/quantizers/per_token.h"
#include "tests/converter/scheme_errors.h"

using namespace intvit;

// Rows 0, 2, 4, .. and 1, 3, 5, .. are one position each.
TEST_CASE("per token: rows of one position have one quantizer, which is that of all their values") {
  const TensorSamples samples = uneven_channels(6, 10, 30, 7);
  TensorSamples folded{2, 30, {}};
  for (const std::vector<float>& picture : samples.pictures) {
    for (auto pair = picture.begin(); pair != picture.end(); pair += 60) folded.pictures.emplace_back(pair, pair + 60);
  }
  TokenOptions options{4, 8, 2.5};
  const ActivationScheme expected = token_scheme(folded, equal_weights(folded), options);
  options.positions = {0, 1, 0, 1, 0, 1, 0, 1, 0, 1};
  const ActivationScheme scheme = token_scheme(samples, equal_weights(samples), options);
  REQUIRE(scheme.parts.size() == 10);
  for (std::size_t row = 0; row < 10; ++row) {
    CHECK(scheme.parts[row].scale == expected.parts[row % 2].scale);
    CHECK(scheme.parts[row].zero_point == expected.parts[row % 2].zero_point);
  }
  CHECK(scheme.parts[0].scale != scheme.parts[1].scale);
}

TEST_CASE("per token: outliers are what the grid makes of them, everything else what its position's codes make of it") {
  TensorSamples samples = uneven_channels(6, 10, 30, 7);
  samples.pictures[2][45] = 40;
  samples.pictures[3][100] = -35;
  const double tau = 10;
  for (const int bits : {3, 4, 6}) {
    CAPTURE(bits);
    const ActivationScheme scheme = token_scheme(samples, equal_weights(samples), {bits, 8, tau});
    REQUIRE(scheme.parts.size() == 10);
    for (const std::vector<float>& picture : samples.pictures) {
      std::vector<float> held = picture;
      simulate(scheme, held.data(), samples.rows, samples.cols, samples.cols);
      double worst_outlier = 0, worst = 0;
      for (std::size_t i = 0; i < held.size(); ++i) {
        // The unclamped reference: an outlier counts as it is, anything else as the value of its code.
        if (std::abs(picture[i]) > tau) {
          worst_outlier = std::max<double>(worst_outlier, std::abs(held[i] - picture[i]));
        } else {
          worst = std::max(worst, std::abs(held[i] - simulate(picture[i], scheme.parts[i / 30])));
        }
      }
      CHECK(worst_outlier <= 0.5001 * scheme.grid.scale);
      CHECK(worst <= 0.5001 * scheme.grid.scale);
    }
  }
  const ActivationScheme kept = token_scheme(samples, equal_weights(samples), {4, 8, tau});
  const ActivationScheme clipped = token_scheme(samples, equal_weights(samples), {4, 8, 0});
  CHECK(error_of(kept, samples) < error_of(clipped, samples));
  CHECK(error_of(dynamic_token_scheme(samples, {4, 8, tau}), samples) < error_of(clipped, samples));
}
