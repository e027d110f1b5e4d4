// Scales and offsets that move from a LayerNorm's channels into the next weights: reparameterise.h.
#include "converter/equalise/reparameterise.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <random>
#include <vector>

#include "converter/errors/channel_error.h"
#include "converter/plan/simulate.h"
#include "converter/quantizers/uniform.h"
#include "converter/weights/quantize.h"
#include "tests/converter/uneven_samples.h"

using namespace intvit;

namespace {

FloatLinear some_linear(int out, int in) {
  std::mt19937 random(5);
  std::normal_distribution<float> normal(0, 0.1f);
  FloatLinear layer{out, in, std::vector<float>(static_cast<std::size_t>(out * in)),
                    std::vector<float>(static_cast<std::size_t>(out))};
  for (float& w : layer.weight) w = normal(random);
  return layer;
}

// Codes of row 0 of the first picture and all weights, after a reparameterisation.
std::vector<int> codes_behind(const Reparameterisation& r, const TensorSamples& samples, const FloatLinear& layer) {
  std::vector<int> codes;
  const auto n = static_cast<std::size_t>(samples.cols);
  for (std::size_t i = 0; i < samples.pictures[0].size(); ++i) {
    const double x = samples.pictures[0][i] / r.equalisation.scale[i % n] - r.equalisation.offset[i % n];
    codes.push_back(static_cast<int>(
        std::clamp<double>(std::round(x / r.scheme.scale + r.scheme.zero_point), 0, r.scheme.highest_code())));
  }
  FloatLinear scaled = layer;
  for (std::size_t i = 0; i < scaled.weight.size(); ++i) {
    scaled.weight[i] = static_cast<float>(scaled.weight[i] * r.equalisation.scale[i % n]);
  }
  const QuantizedWeights weights =
      quantize_weights(scaled, {4, WeightRange::max}, std::vector<double>(static_cast<std::size_t>(layer.out), 0.0));
  codes.insert(codes.end(), weights.codes.begin(), weights.codes.end());
  return codes;
}

}  // namespace

TEST_CASE("the common scale of a full reparameterisation changes no code") {
  const TensorSamples samples = uneven_samples(50, 40);
  const FloatLinear layer = some_linear(24, 40);
  const ChannelRanges ranges = channel_ranges(samples, 4, 1);
  const auto mean = codes_behind(reparameterise(ranges, CommonScale::mean, 4), samples, layer);
  const auto differing = [&](CommonScale common) {
    const auto codes = codes_behind(reparameterise(ranges, common, 4), samples, layer);
    int count = 0;
    for (std::size_t i = 0; i < codes.size(); ++i) count += codes[i] != mean[i];
    return count;
  };
  // But for ties, which single precision may break either way.
  CHECK(differing(CommonScale::median) <= 2);
  CHECK(differing(CommonScale::inlier_median) <= 2);
}

TEST_CASE("codes of a full reparameterisation are those of the channel-wise quantizers") {
  const TensorSamples samples = uneven_samples(50, 40);
  const ChannelRanges ranges = channel_ranges(samples, 4, 1);
  const Reparameterisation r = reparameterise(ranges, CommonScale::mean, 4);
  int differing = 0;
  for (std::size_t i = 0; i < samples.pictures[0].size(); ++i) {
    const std::size_t c = i % 40;
    const double x = samples.pictures[0][i];
    const double held =
        r.equalisation.scale[c] *
        (simulate(x / r.equalisation.scale[c] - r.equalisation.offset[c], r.scheme) + r.equalisation.offset[c]);
    const double scale = (ranges.high[c] - ranges.low[c]) / 15;
    if (scale == 0) {
      CHECK(held == doctest::Approx(x));
      continue;
    }
    const double zero_point = std::round(-ranges.low[c] / scale);
    const double expected = scale * (std::clamp<double>(std::round(x / scale) + zero_point, 0, 15) - zero_point);
    differing += std::abs(held - expected) > 1e-6;
  }
  CHECK(differing <= 2);
}

TEST_CASE("constant channels are exact and break nothing") {
  const TensorSamples samples = uneven_samples(50, 40);
  const ChannelRanges ranges = channel_ranges(samples, 4, 1);
  for (const ScaleRule& rule : scale_rules()) {
    const Equalisation e = partial_equalisation(ranges, rule, 4);
    for (std::size_t c = 0; c < 40; ++c) {
      CHECK(e.scale[c] > 0);
      CHECK(std::isfinite(e.scale[c]));
      CHECK(std::isfinite(e.offset[c]));
    }
    CHECK(1.75 / e.scale[3] - e.offset[3] == doctest::Approx(0).epsilon(1e-6));
    CHECK(e.offset[5] == 0);
  }
  TensorSamples dead{10, 4, {std::vector<float>(40, 0.0f)}};
  const Reparameterisation r =
      best_reparameterisation(dead, some_linear(6, 4), {4, WeightRange::mse}, 4, Offsets::chosen, 1);
  for (std::size_t c = 0; c < 4; ++c) {
    CHECK(r.equalisation.scale[c] == 1);
    CHECK(r.equalisation.offset[c] == 0);
  }
  CHECK(r.scheme.scale > 0);
}

TEST_CASE("the searched scales lose less than RepQ's, and no more on any number of threads") {
  const TensorSamples samples = uneven_samples(50, 40);
  const FloatLinear layer = some_linear(24, 40);
  const Reparameterisation one = best_reparameterisation(samples, layer, {4, WeightRange::mse}, 4, Offsets::chosen, 1);
  const Reparameterisation three =
      best_reparameterisation(samples, layer, {4, WeightRange::mse}, 4, Offsets::chosen, 3);
  CHECK(one.equalisation.scale == three.equalisation.scale);
  CHECK(one.equalisation.offset == three.equalisation.offset);
  CHECK(one.scheme.scale == three.scheme.scale);
}
