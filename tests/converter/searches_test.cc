// Every search of a quantizer: what it chooses is no worse than each of its candidates, by the error that it claims to
// minimise, on data of which the winner is known.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <random>
#include <vector>

#include "converter/equalise/reparameterise.h"
#include "converter/errors/attention_error.h"
#include "converter/errors/channel_error.h"
#include "converter/errors/layer_error.h"
#include "converter/errors/sample_rows.h"
#include "converter/plan/simulate.h"
#include "converter/quantizers/choose_activation.h"
#include "converter/quantizers/choose_softmax.h"
#include "converter/quantizers/clip_search.h"
#include "converter/quantizers/group_allocation.h"
#include "converter/quantizers/least_square_levels.h"
#include "converter/quantizers/logarithmic.h"
#include "converter/quantizers/per_token.h"
#include "converter/quantizers/table.h"
#include "converter/quantizers/tanq.h"
#include "converter/quantizers/two_scaled.h"
#include "converter/quantizers/two_scaled_residual.h"
#include "converter/quantizers/uniform.h"

using namespace intvit;

namespace {

constexpr double kRounding = 1 + 1e-9;

// Evenly spread over [low, high].
std::vector<float> even(double low, double high, int count) {
  std::vector<float> values;
  for (int i = 0; i < count; ++i) values.push_back(static_cast<float>(low + (high - low) * i / (count - 1)));
  return values;
}

std::vector<WeightedValue> weighted(const std::vector<float>& values, double weight) {
  std::vector<WeightedValue> result;
  for (const float x : values) result.push_back({x, weight});
  return result;
}

Histogram histogram_of(const std::vector<float>& values) {
  Histogram histogram;
  histogram.add(values.data(), values.size());
  return histogram;
}

std::vector<float> joined(std::vector<float> a, const std::vector<float>& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

// One picture, `cols` channels: the same values in each, times its factor.
TensorSamples channels(const std::vector<float>& values, const std::vector<float>& factors) {
  TensorSamples samples{static_cast<int>(values.size()), static_cast<int>(factors.size()), {{}}};
  for (const float x : values) {
    for (const float factor : factors) samples.pictures[0].push_back(factor * x);
  }
  return samples;
}

TensorSamples random_samples(int rows, int cols, unsigned seed, double wide) {
  std::mt19937 random(seed);
  std::normal_distribution<double> normal(0, 1);
  TensorSamples samples{rows, cols, {}};
  for (int p = 0; p < 4; ++p) {
    std::vector<float>& picture = samples.pictures.emplace_back();
    for (int i = 0; i < rows * cols; ++i) {
      picture.push_back(static_cast<float>((i % cols % 9 == 4 ? wide : 1 + 0.2 * (i % cols % 4)) * normal(random)));
    }
  }
  return samples;
}

// Rows that sum to one; the heads differ in how sharply they look.
TensorSamples random_probabilities(int heads, int tokens, unsigned seed) {
  std::mt19937 random(seed);
  std::normal_distribution<double> normal(0, 1);
  TensorSamples samples{heads * tokens, tokens, {}};
  for (int p = 0; p < 4; ++p) {
    std::vector<float>& picture = samples.pictures.emplace_back();
    for (int r = 0; r < heads * tokens; ++r) {
      std::vector<double> row;
      double sum = 0;
      for (int k = 0; k < tokens; ++k) sum += row.emplace_back(std::exp((0.5 + 1.5 * (r / tokens)) * normal(random)));
      for (const double x : row) picture.push_back(static_cast<float>(x / sum));
    }
  }
  return samples;
}

}  // namespace

TEST_CASE("clipping by least error: no worse than any common factor, and each end finds its own") {
  // Dense in -1..1; one value far above weighs next to nothing, so only the upper end should move.
  std::vector<WeightedValue> values = weighted(even(-1, 1, 401), 1);
  values.push_back({2, 0.01});
  for (const int bits : {3, 4, 6}) {
    CAPTURE(bits);
    const UniformScheme chosen = least_error_range(values, bits);
    const double error = squared_error(values, chosen);
    double best_common = squared_error(values, uniform_scheme(-1, 2, bits));
    for (int i = 0; i <= 20; ++i) {
      const double factor = std::pow(0.93, i);
      best_common = std::min(best_common, squared_error(values, uniform_scheme(-factor, 2 * factor, bits)));
    }
    CHECK(error < 0.95 * best_common);
    CHECK(error < 1.1 * squared_error(values, uniform_scheme(-1, 1, bits)));
    CHECK(chosen.highest() < 1.5);
    CHECK(chosen.lowest() < -0.8);
  }
}

TEST_CASE("per token: every position has the percentile with the least error") {
  // Position 0 has 2 values of 400 far outside, position 1 none.
  TensorSamples samples{2, 400, {joined(joined(even(-1, 1, 398), {20, -20}), even(-1, 1, 400))}};
  std::vector<double> importance(400, 1);
  importance[398] = importance[399] = 1e-3;  // outliers that hardly matter
  const ActivationScheme scheme = token_scheme(samples, importance, {4, 8, 0});
  REQUIRE(scheme.parts.size() == 2);
  for (std::size_t token = 0; token < 2; ++token) {
    std::vector<WeightedValue> values;
    for (std::size_t c = 0; c < 400; ++c) values.push_back({samples.pictures[0][token * 400 + c], importance[c]});
    std::sort(values.begin(), values.end(), [](const auto& a, const auto& b) { return a.value < b.value; });
    for (const double p : {1.0, 0.99999, 0.9999, 0.999, 0.995, 0.99}) {
      const auto cut = static_cast<std::size_t>((1 - p) * 399 + 0.5);
      const UniformScheme candidate = uniform_scheme(values[cut].value, values[399 - cut].value, 4);
      CHECK(squared_error(values, scheme.parts[token]) <= kRounding * squared_error(values, candidate));
    }
  }
  CHECK(scheme.parts[0].highest() < 1.2);
  CHECK(scheme.parts[1].highest() > 0.9);
}

TEST_CASE("percentiles: no worse than each of them; the sharpest and the widest win where they must") {
  const std::vector<float> dense = even(-1, 1, 20000);
  const std::vector<std::pair<std::vector<float>, double>> cases = {{joined(dense, even(3, 4, 12)), 1.3},
                                                                    {joined(even(-1, 1, 20), {30}), 31}};
  for (const auto& [values, most] : cases) {
    const Histogram histogram = histogram_of(values);
    const UniformScheme chosen = percentile_scheme(histogram, 4);
    for (const double p : {1.0, 0.99999, 0.9999, 0.999}) {
      const UniformScheme one = uniform_scheme(histogram.quantile(1 - p), histogram.quantile(p), 4);
      CHECK(squared_error(histogram, chosen) <= kRounding * squared_error(histogram, one));
    }
    CHECK(chosen.highest() == doctest::Approx(most).epsilon(0.3));
  }
  // Ranges of channels, by the same search.
  const ChannelRanges ranges = channel_ranges(channels(cases[0].first, {1, 2}), 4, 1);
  for (const std::size_t c : {0u, 1u})
    CHECK(ranges.high[c] == doctest::Approx((1 + static_cast<double>(c)) * 1.05).epsilon(0.1));
}

TEST_CASE("logarithmic codes: no worse than the scale of any percentile, shifted or not") {
  const std::vector<float> values = joined(even(0.001, 0.1, 5000), {1.0f, 0.9f});
  const Histogram histogram = histogram_of(values);
  for (const LogarithmBase base : {LogarithmBase::two, LogarithmBase::square_root_of_two}) {
    const TableScheme plain = best_logarithmic_table(base, histogram, 3);
    const TableScheme shifted = best_shifted_logarithmic_table(base, histogram, -0.17, 3);
    for (const double p : {1.0, 0.99999, 0.9999, 0.999}) {
      const double quantile = histogram.quantile(p);
      CHECK(squared_error(histogram, plain) <=
            kRounding * squared_error(histogram, logarithmic_table(base, quantile, 3)));
      CHECK(squared_error(histogram, shifted) <=
            kRounding * squared_error(histogram, shifted_logarithmic_table(base, quantile + 0.17, -0.17, 3)));
    }
    // 1 is one value of 5002; what is around 0.1 matters more.
    CHECK(squared_error(histogram, plain) < 0.999 * squared_error(histogram, logarithmic_table(base, 1e-3, 3)));
  }
}

TEST_CASE("levels of least square: clusters have a level each, and levels are means of what is nearest to them") {
  std::vector<float> clusters;
  for (const float centre : {-3.0f, -1.5f, 1.0f, 3.0f})
    clusters = joined(clusters, even(centre - 0.05, centre + 0.05, 101));
  const TableScheme found = least_square_levels(clusters, 2);
  REQUIRE(found.levels.size() == 4);
  for (const std::size_t i : {0u, 1u, 2u, 3u}) {
    CHECK(found.levels[i] == doctest::Approx(std::vector<double>{-3, -1.5, 1, 3}[i]).epsilon(1e-5));
  }
  const TensorSamples samples = random_samples(40, 30, 3, 5);
  const std::vector<float>& values = samples.pictures[0];
  const TableScheme table = least_square_levels(values, 4);
  CHECK(with_centroids(table, values).levels == std::vector<double>(table.levels));
}

TEST_CASE("errors of channels: the best candidate is chosen, and the best range") {
  // Positive but for little, with a long tail: the upper end should be clipped, the lower one not.
  std::vector<float> values = joined(even(-0.17, 1, 900), even(1, 6, 12));
  const TensorSamples samples = channels(values, {1, 0.5f, 2});
  for (const bool mean_counts : {false, true}) {
    const ChannelError error(samples, 0, {1, 4, 0.25}, mean_counts);
    const ActivationScheme chosen = choose_uniform(error, 4, 2);
    std::vector<ActivationScheme> candidates;
    for (int i = 0; i < 18; ++i) {
      for (const auto& [below, above] : {std::pair{i, i}, std::pair{0, i}, std::pair{i, 0}}) {
        candidates.push_back(uniform(uniform_scheme(-0.34 * std::pow(0.88, below), 12 * std::pow(0.88, above), 4)));
      }
    }
    const ActivationScheme best = choose(error, candidates, 2);
    for (const ActivationScheme& candidate : candidates) {
      CHECK(error.of(best) <= error.of(candidate));
      CHECK(error.of(chosen) <= kRounding * 1.0001 * error.of(candidate));
    }
    CHECK(error.of(best) < 0.9 * error.of(candidates[0]));
  }
}

TEST_CASE("errors of channels: an end that costs much keeps its place while the other gives way") {
  // Negative values matter; the channel of the large positive ones does not.
  TensorSamples samples{500, 2, {{}}};
  for (const float x : even(-1, 1, 500)) samples.pictures[0].insert(samples.pictures[0].end(), {x, 8 * std::abs(x)});
  for (const bool upper : {true, false}) {
    CAPTURE(upper);
    const ChannelError error(samples, 0, {1, 1e-6}, true);
    const UniformScheme chosen = choose_uniform(error, 4, 1).grid;
    CHECK((upper ? chosen.highest() : -chosen.lowest()) < 1.4);
    CHECK((upper ? -chosen.lowest() : chosen.highest()) > 0.85);
    CHECK(error.of(uniform(chosen)) < 1.4 * error.of(uniform(uniform_scheme(-1, 1, 4))));
    for (float& x : samples.pictures[0]) x = -x;  // and the other way round
  }
}

TEST_CASE("softmax tables: no candidate is better, in each head or in all together, and centroids only gain") {
  constexpr int kHeads = 2, kTokens = 18, kWidth = 5;
  const TensorSamples probabilities = random_probabilities(kHeads, kTokens, 5);
  const TensorSamples values = random_samples(kTokens, kHeads * kWidth, 6, 1);
  const ActivationSchemes codes(kHeads, uniform(uniform_scheme(-4, 4, 8)));
  const AttentionError error(probabilities, values, codes, std::vector<double>(kHeads * kWidth, 1.0), 1);
  std::vector<TableScheme> candidates;
  for (const TanAngles& angles : tan_candidates()) candidates.push_back(tan_table(angles, 3));
  for (int shift = 0; shift <= 6; ++shift) candidates.push_back(two_scaled_probabilities(shift, 3));
  SoftmaxScheme scheme;
  scheme.codes = SoftmaxKind::absolute;
  scheme.bits = 3;
  const SoftmaxScheme own = choose(error, scheme, candidates, true, false, 1);
  const SoftmaxScheme common = choose(error, scheme, candidates, false, false, 1);
  const SoftmaxScheme refitted = choose(error, scheme, candidates, true, true, 1);
  REQUIRE(own.tables.size() == kHeads);
  REQUIRE(common.tables.size() == 1);
  CHECK(own.tables[0].levels != own.tables[1].levels);
  const auto total = [&](const SoftmaxScheme& s) { return error.of(s, 0) + error.of(s, 1); };
  for (const TableScheme& table : candidates) {
    SoftmaxScheme one = scheme;
    one.tables = {table};
    for (int head = 0; head < kHeads; ++head) CHECK(error.of(own, head) <= kRounding * error.of(one, head));
    CHECK(total(common) <= kRounding * total(one));
  }
  CHECK(total(refitted) < 0.99 * total(own));
}

TEST_CASE("TanQ's candidates are the grid of angles that is documented") {
  std::vector<TanAngles> found = tan_candidates();
  CHECK(found.size() == 110);
  for (int i = 0; i < 10; ++i) {
    for (int j = 0; j < 11; ++j) {
      const bool there = std::any_of(found.begin(), found.end(), [&](const TanAngles& a) {
        return std::abs(a.at_zero - (1.2 + 0.04 * i)) < 1e-9 && std::abs(a.at_one - 0.14 * j) < 1e-9;
      });
      CHECK(there);
    }
  }
}

TEST_CASE(
    "reparameterisation by search: no worse than RepQ's scales with any clipping, better where some channels are "
    "wide") {
  const TensorSamples samples = random_samples(60, 36, 8, 14);
  std::mt19937 random(9);
  std::normal_distribution<float> normal(0, 0.1f);
  FloatLinear layer{24, 36, std::vector<float>(24 * 36), std::vector<float>(24)};
  for (float& w : layer.weight) w = normal(random);
  const WeightScheme weights{4, WeightRange::mse};
  const Reparameterisation chosen = best_reparameterisation(samples, layer, weights, 4, Offsets::chosen, 1);
  const std::vector<float> rows = sample_rows(samples, 512);
  const FloatLinear some = some_outputs(layer);
  const double error = LayerError(rows, some, chosen.equalisation, weights).of(chosen.scheme);
  const Equalisation repq = partial_equalisation(channel_ranges(samples, 4, 1), scale_rules()[0], 4);
  const LayerError repq_error(rows, some, repq, weights);
  Histogram histogram;
  for (const std::vector<float>& picture : samples.pictures) {
    const std::vector<float> inputs = equalised(picture, repq);
    histogram.add(inputs.data(), inputs.size());
  }
  CHECK(error < 0.75 * repq_error.of(percentile_scheme(histogram, 4)));
  for (const double shrink : {1.0, 0.92, 0.84, 0.76, 0.68, 0.6}) {
    CHECK(error <= repq_error.of(uniform_scheme(shrink * histogram.min(), shrink * histogram.max(), 4)));
  }
  // One of those that are looked at in earnest, chosen as it stands.
  CHECK(error <=
        LayerError(rows, some, Equalisation{std::vector<double>(36, 1.0), std::vector<double>(36, 0.0), {}}, weights)
            .of(percentile_scheme(histogram_of(rows), 4)));
}

TEST_CASE("two steps of the residual stream: no number of coarse channels, shift or step is better") {
  constexpr int kBits = 6, kChannels = 20;
  TensorSamples samples = random_samples(30, kChannels, 12, 40);  // channels 4 and 13 stand out
  std::vector<float> rows;
  for (const auto& picture : samples.pictures) rows = joined(rows, picture);
  const FloatLayerNorm norm{std::vector<float>(kChannels, 1.0f), std::vector<float>(kChannels, 0.0f)};
  double largest = 0;
  for (const float x : rows) largest = std::max<double>(largest, std::abs(x));
  ResidualSearch search(largest, kBits, 1);
  const std::vector<double> magnitudes = channel_magnitudes(samples);
  search.add("a", magnitudes, rows, norm, 1e-6);
  const ResidualScheme chosen = search.best().at("a");
  const double error = layer_norm_error(chosen, rows, norm, 1e-6);
  CHECK(chosen.coarse_shift > 0);
  std::vector<int> widest(kChannels);
  for (int c = 0; c < kChannels; ++c) widest[static_cast<std::size_t>(c)] = c;
  std::stable_sort(widest.begin(), widest.end(), [&](int a, int b) {
    return magnitudes[static_cast<std::size_t>(a)] > magnitudes[static_cast<std::size_t>(b)];
  });
  // The bases of an octave, as far as the coarse step of any of them may cover the largest value.
  const double finest = largest / ((1 << (kBits - 1)) - 1) / std::ldexp(1.0, 15 - kBits);
  for (int base = 0; base < 4; ++base) {
    for (int exponent = 0; exponent <= 15 - kBits; ++exponent) {
      for (int shift = 0; shift + exponent <= 15 - kBits; ++shift) {
        for (const int count : {0, 1, 2, 3, 4, 6, 8, 12, 16}) {
          ResidualScheme one{kBits, finest * std::exp2(base / 4.0 + exponent), shift, {}};
          if (shift > 0) one.coarse_channels.assign(widest.begin(), widest.begin() + count);
          std::sort(one.coarse_channels.begin(), one.coarse_channels.end());
          CHECK(error <= kRounding * layer_norm_error(one, rows, norm, 1e-6));
        }
      }
    }
  }
}

TEST_CASE("allocation of groups: many cheap gains beat one dear one, and what is left over is spent") {
  const auto layer = [](double gain, double cost) { return std::vector<GroupChoice>{{1, gain, 0}, {2, 0, cost}}; };
  // By gain alone the first layer would come first, and leave nothing for the two others that gain more together.
  CHECK(allocate_groups({layer(10, 10), layer(6, 5), layer(6, 5)}, 10) == std::vector<int>{0, 1, 1});
  // No price separates equal layers: one of them is what the rest of the budget pays for.
  const std::vector<std::vector<GroupChoice>> equal = {layer(6, 5), layer(6, 5)};
  CHECK(total_perturbation(equal, allocate_groups(equal, 5)) == 6);
}
