// Quantizers that are shared by groups of channels and of softmax rows (IGQ-ViT), and how many groups a layer gets.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>
#include <vector>

#include "converter/errors/attention_rows.h"
#include "converter/families/vit/random_vit.h"
#include "converter/methods/method.h"
#include "converter/observe/calibrate.h"
#include "converter/plan/plan.h"
#include "converter/plan/simulate.h"
#include "converter/quantizers/channel_groups.h"
#include "converter/quantizers/clip_search.h"
#include "converter/quantizers/group_allocation.h"
#include "converter/quantizers/per_token.h"
#include "converter/quantizers/row_groups.h"
#include "converter/quantizers/uniform.h"
#include "tests/converter/scheme_errors.h"
#include "tests/converter/small_network.h"

using namespace intvit;

namespace {

bool sound(const UniformScheme& scheme) {
  return std::isfinite(scheme.scale) && scheme.scale > 0 && scheme.zero_point >= 0 &&
         scheme.zero_point <= scheme.highest_code();
}

// Rows that sum to one, from nearly uniform to nearly one-hot.
TensorSamples probabilities(int pictures, int rows, int keys, unsigned seed) {
  std::mt19937 random(seed);
  std::normal_distribution<double> normal(0, 1);
  TensorSamples samples{rows, keys, {}};
  for (int p = 0; p < pictures; ++p) {
    std::vector<float>& picture = samples.pictures.emplace_back();
    for (int r = 0; r < rows; ++r) {
      std::vector<double> e;
      double sum = 0;
      for (int k = 0; k < keys; ++k) {
        e.push_back(std::exp((0.3 + 0.5 * (r % 8)) * normal(random)));
        sum += e.back();
      }
      for (const double x : e) picture.push_back(static_cast<float>(x / sum));
    }
  }
  return samples;
}

}  // namespace

TEST_CASE("the alternation of bounds ends in a fixed point that is nearer to the spans than where it began") {
  const std::vector<ChannelSpan> spans = channel_spans(uneven_channels(6, 20, 40, 1));
  REQUIRE(spans.size() == 240);
  double before = std::numeric_limits<double>::infinity();
  for (const int groups : {1, 2, 4, 8, 16}) {
    CAPTURE(groups);
    const std::vector<ChannelSpan> bounds = alternate_bounds(spans, groups);
    REQUIRE(bounds.size() == static_cast<std::size_t>(groups));
    // Every bound is the mean of the spans that are nearest to it.
    std::vector<ChannelSpan> sums(bounds.size());
    std::vector<int> counts(bounds.size(), 0);
    for (const ChannelSpan& span : spans) {
      std::size_t best = 0;
      double least = std::numeric_limits<double>::infinity();
      for (std::size_t g = 0; g < bounds.size(); ++g) {
        const double d = std::pow(span.low - bounds[g].low, 2) + std::pow(span.high - bounds[g].high, 2);
        if (d < least) {
          least = d;
          best = g;
        }
      }
      sums[best].low += span.low;
      sums[best].high += span.high;
      ++counts[best];
    }
    for (std::size_t g = 0; g < bounds.size(); ++g) {
      if (counts[g] == 0) continue;
      CHECK(bounds[g].low == doctest::Approx(sums[g].low / counts[g]));
      CHECK(bounds[g].high == doctest::Approx(sums[g].high / counts[g]));
    }
    const double distance = span_distance(spans, bounds);
    CHECK(distance < before);
    before = distance;
  }
}

TEST_CASE("channel groups: the best reading is no worse than each, and more groups lose less") {
  const TensorSamples samples = uneven_channels(5, 24, 42, 2);
  const std::vector<double> weights = equal_weights(samples);
  double before = std::numeric_limits<double>::infinity();
  for (const int groups : {1, 4, 8, 16}) {
    CAPTURE(groups);
    const ChannelGroupOptions options{groups, 4, 12};
    const ActivationScheme best = channel_groups(samples, weights, options);
    CHECK(best.parts.size() <= static_cast<std::size_t>(groups));
    const double error = error_of(best, samples);
    for (const GroupBounds how : {GroupBounds::mean, GroupBounds::percentile, GroupBounds::least_error}) {
      // The search leaves every channel's mean error to the bias; here it counts.
      CHECK(error <= 1.1 * error_of(channel_groups(samples, weights, options, how), samples));
    }
    CHECK(error < 0.9 * before);
    before = error;
    for (const UniformScheme& part : best.parts) {
      CHECK(sound(part));
      CHECK(part.bits == 4);
      CHECK(best.grid.lowest() <= part.lowest() + 0.5001 * best.grid.scale);
      CHECK(best.grid.highest() >= part.highest() - 0.5001 * best.grid.scale);
    }
  }
}

TEST_CASE("channel groups: assignment is equation 5, and values on the grid agree with products per group") {
  const TensorSamples samples = uneven_channels(4, 24, 42, 3);
  const ActivationScheme scheme = channel_groups(samples, equal_weights(samples), {8, 4, 8});
  const std::vector<ChannelSpan> spans = channel_spans(samples);
  const auto cols = static_cast<std::size_t>(samples.cols);
  std::mt19937 random(5);
  std::normal_distribution<double> normal(0, 1);
  std::vector<double> column(cols);
  double magnitude = 0;
  for (double& w : column) {
    w = normal(random);
    magnitude += std::abs(w);
  }
  for (std::size_t p = 0; p < samples.pictures.size(); ++p) {
    std::vector<float> held = samples.pictures[p];
    simulate(scheme, held.data(), samples.rows, samples.cols, samples.cols);
    std::vector<std::size_t> group(cols);
    for (std::size_t c = 0; c < cols; ++c) {
      const ChannelSpan& span = spans[p * cols + c];
      double least = std::numeric_limits<double>::infinity();
      for (std::size_t g = 0; g < scheme.parts.size(); ++g) {
        const double d =
            std::pow(span.low - scheme.parts[g].lowest(), 2) + std::pow(span.high - scheme.parts[g].highest(), 2);
        if (d < least) {
          least = d;
          group[c] = g;
        }
      }
    }
    double worst = 0, worst_product = 0;
    for (int r = 0; r < samples.rows; ++r) {
      // One integer sum per group, scaled in the end, against one sum over the values on the grid.
      std::vector<double> sums(scheme.parts.size(), 0);
      double on_the_grid = 0;
      for (std::size_t c = 0; c < cols; ++c) {
        const std::size_t i = static_cast<std::size_t>(r) * cols + c;
        const UniformScheme& part = scheme.parts[group[c]];
        const double steps = std::clamp<double>(std::nearbyint(samples.pictures[p][i] / part.scale), -part.zero_point,
                                                part.highest_code() - part.zero_point);
        worst = std::max(worst, std::abs(part.scale * steps - held[i]));
        sums[group[c]] += steps * column[c];
        on_the_grid += held[i] * column[c];
      }
      double grouped = 0;
      for (std::size_t g = 0; g < sums.size(); ++g) grouped += scheme.parts[g].scale * sums[g];
      worst_product = std::max(worst_product, std::abs(grouped - on_the_grid));
    }
    CHECK(worst <= 0.5001 * scheme.grid.scale);
    CHECK(worst_product <= 0.5001 * scheme.grid.scale * magnitude);
  }
}

TEST_CASE("row groups: bounds by alternation are a fixed point, bounds by least error are the best of all subsets") {
  const TensorSamples rows = probabilities(2, 48, 24, 4);
  std::mt19937 random(6);
  std::normal_distribution<float> normal(0, 1);
  TensorSamples values{16, 24, {}};  // three heads of 8; 16 rows of 24 keys each
  values.rows = 24;
  for (int p = 0; p < 2; ++p) {
    std::vector<float>& picture = values.pictures.emplace_back(24 * 24);
    for (float& v : picture) v = normal(random);
  }
  std::vector<double> candidates;
  std::vector<SoftmaxScheme> alternatives;
  SoftmaxScheme scheme;
  scheme.codes = SoftmaxKind::absolute;
  scheme.bits = 4;
  scheme.tables = {uniform_levels(4)};
  for (int i = 0; i < 9; ++i) {
    candidates.push_back(0.06 * std::pow(1.4, i));
    scheme.bounds = {candidates.back()};
    alternatives.push_back(scheme);
  }
  const AttentionRows costs = attention_rows(rows, values, 3, alternatives, 1000, 2);
  const auto cost_of = [&](const std::vector<std::size_t>& chosen) {
    std::vector<double> bounds;
    for (const std::size_t i : chosen) bounds.push_back(candidates[i]);
    double sum = 0;
    for (std::size_t r = 0; r < costs.maxima.size(); ++r) {
      sum +=
          costs
              .errors[r * candidates.size() + chosen[static_cast<std::size_t>(nearest_bound(bounds, costs.maxima[r]))]];
    }
    return sum;
  };
  for (const int groups : {1, 2, 3}) {
    CAPTURE(groups);
    double least = std::numeric_limits<double>::infinity();
    for (unsigned mask = 1; mask < 1u << candidates.size(); ++mask) {
      std::vector<std::size_t> chosen;
      for (std::size_t i = 0; i < candidates.size(); ++i) {
        if (mask >> i & 1) chosen.push_back(i);
      }
      if (chosen.size() <= static_cast<std::size_t>(groups)) least = std::min(least, cost_of(chosen));
    }
    const std::vector<double> bounds = best_row_bounds(costs.maxima, candidates, costs.errors, groups);
    REQUIRE(bounds.size() <= static_cast<std::size_t>(groups));
    std::vector<std::size_t> chosen;
    for (const double b : bounds) {
      chosen.push_back(
          static_cast<std::size_t>(std::find(candidates.begin(), candidates.end(), b) - candidates.begin()));
    }
    CHECK(cost_of(chosen) == doctest::Approx(least));
    const std::vector<double> alternated = alternate_row_bounds(costs.maxima, groups);
    CHECK(std::is_sorted(alternated.begin(), alternated.end()));
    CHECK(alternated.front() > 0);
    CHECK(alternated.back() <= 1);
  }
}

TEST_CASE("one-token attention and rows that are all alike have a scheme") {
  TensorSamples one{3, 1, {{1, 1, 1}, {1, 1, 1}}};  // three heads, one token
  const TensorSamples values{1, 6, {{1, 2, 3, 4, 5, 6}, {0, 0, 0, 0, 0, 0}}};
  const SoftmaxScheme scheme = row_groups(one, values, 3, {8, 4, 8}, 1);
  std::vector<float> row = {1};
  simulate(scheme, 0, row.data(), 1, 1);
  CHECK(row[0] == doctest::Approx(1));
  CHECK(alternate_row_bounds({0.25, 0.25, 0.25}, 8) == std::vector<double>{0.25});
}

TEST_CASE("zeros and constants have schemes without NaN") {
  for (const float value : {0.0f, 1.5f, -2.0f}) {
    CAPTURE(value);
    const TensorSamples samples{4, 5, {std::vector<float>(20, value), std::vector<float>(20, value)}};
    for (const ActivationScheme& scheme :
         {channel_groups(samples, equal_weights(samples), {8, 4, 8}),
          channel_groups(samples, std::vector<double>(5, 0.0), {8, 4, 8}),
          token_scheme(samples, equal_weights(samples), {4, 8, 1}), dynamic_token_scheme(samples, {4, 8, 0})}) {
      CHECK(sound(scheme.grid));
      for (const UniformScheme& part : scheme.parts) CHECK(sound(part));
      std::vector<float> held = samples.pictures[0];
      simulate(scheme, held.data(), 4, 5, 5);
      for (const float x : held) CHECK(x == doctest::Approx(value).epsilon(0.01));
    }
  }
  CHECK(sound(least_error_range({}, 4)));
}

TEST_CASE("the range with the least error beats the full range, and keeps it where nothing is gained") {
  std::vector<WeightedValue> values;
  for (int i = -100; i <= 100; ++i) values.push_back({i / 100.0, 1});
  CHECK(squared_error(values, least_error_range(values, 4)) <= squared_error(values, uniform_scheme(-1, 1, 4)));
  values.push_back({30, 0.01});
  CHECK(squared_error(values, least_error_range(values, 3)) < 0.8 * squared_error(values, uniform_scheme(-1, 30, 3)));
}

TEST_CASE("allocation keeps the budget, is no worse than the same number for all, and near the optimum") {
  std::mt19937 random(8);
  std::uniform_real_distribution<double> somewhere(0.1, 1);
  for (int round = 0; round < 20; ++round) {
    std::vector<std::vector<GroupChoice>> choices;
    for (int l = 0; l < 5; ++l) {
      const double size = somewhere(random), loss = std::pow(somewhere(random), 3);
      choices.emplace_back();
      for (const int g : {1, 2, 4, 8}) choices.back().push_back({g, loss / g * somewhere(random), size * (5 + g)});
    }
    for (int uniform = 0; uniform < 4; ++uniform) {
      const std::vector<int> same(choices.size(), uniform);
      const double budget = total_bit_operations(choices, same);
      const std::vector<int> chosen = allocate_groups(choices, budget);
      CHECK(total_bit_operations(choices, chosen) <= budget);
      CHECK(total_perturbation(choices, chosen) <= total_perturbation(choices, same));
      double least = std::numeric_limits<double>::infinity();
      for (int code = 0; code < 1 << 10; ++code) {
        std::vector<int> one;
        for (int l = 0; l < 5; ++l) one.push_back(code >> (2 * l) & 3);
        if (total_bit_operations(choices, one) <= budget) least = std::min(least, total_perturbation(choices, one));
      }
      CHECK(total_perturbation(choices, chosen) <= 1.5 * least);
    }
    // Not even the cheapest is affordable: then it is that.
    CHECK(allocate_groups(choices, 0) == std::vector<int>(choices.size(), 0));
  }
  CHECK(bit_operations(197, 192, 576, 4, 4, 8) > bit_operations(197, 192, 576, 4, 4, 4));
}

TEST_CASE("plans of igq and adfq are deterministic and pass through JSON, also with a dead channel") {
  FloatNetwork network = random_network(small_vit(), 3);
  norm_of(network, "blocks.0.norm1").gamma[5] = 0;
  norm_of(network, "blocks.1.norm2").gamma[7] = norm_of(network, "blocks.1.norm2").beta[7] = 0;
  SyntheticPictures pictures(3, 32, 32, 4);
  const Progress silent = [](const std::string&, int, int) {};
  const Result<Calibration> calibration = calibrate(network, {pictures, 1, silent});
  REQUIRE(calibration.ok());
  for (const char* name : {"igq", "adfq"}) {
    CAPTURE(name);
    const Knobs knobs{name};
    std::string first;
    for (const int threads : {1, 2}) {
      const Result<Plan> plan =
          make_plan(find_method(name).value(),
                    {network, calibration.value().statistics, 4, 4, {pictures, threads, silent}, knobs});
      REQUIRE(plan.ok());
      const std::string json = plan_to_json(plan.value());
      CHECK(json.find("null") == std::string::npos);  // NaN and infinity
      const Result<Plan> again = plan_from_json(json, "test");
      REQUIRE_MESSAGE(again.ok(), (again.ok() ? "" : again.status().message()));
      CHECK(plan_to_json(again.value()) == json);
      if (threads == 1) first = json;
      CHECK(json == first);
    }
  }
}
