// The quantizers of converter/quantizers/ against the papers' equations, written down here a second time without
// tables, and the plans that methods make of them.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <random>
#include <vector>

#include "converter/equalise/fold.h"
#include "converter/equalise/reparameterise.h"
#include "converter/errors/channel_error.h"
#include "converter/errors/sample_rows.h"
#include "converter/float/random_network.h"
#include "converter/methods/method.h"
#include "converter/observe/calibrate.h"
#include "converter/plan/simulate.h"
#include "converter/quantizers/logarithmic.h"
#include "converter/quantizers/table.h"
#include "converter/quantizers/tanq.h"
#include "converter/quantizers/two_scaled.h"
#include "converter/quantizers/two_scaled_residual.h"
#include "converter/quantizers/uniform.h"
#include "converter/weights/quantize.h"
#include "tests/converter/small_network.h"

using namespace intvit;

namespace {

void check_shape(const TableScheme& table, int bits) {
  CHECK(table.levels.size() <= std::size_t{1} << bits);
  CHECK(table.thresholds.size() + 1 == table.levels.size());
  CHECK(std::adjacent_find(table.levels.begin(), table.levels.end(), std::greater_equal<>()) == table.levels.end());
  CHECK(std::is_sorted(table.thresholds.begin(), table.thresholds.end()));
}

// Dense and random values in [low, high].
std::vector<double> probes(double low, double high, bool logarithmic) {
  std::vector<double> values;
  std::mt19937 random(3);
  std::uniform_real_distribution<double> somewhere(0, 1);
  for (int i = 0; i <= 20000; ++i) values.push_back(low + (high - low) * i / 20000);
  for (int i = 0; i < 20000; ++i) values.push_back(low + (high - low) * somewhere(random));
  if (logarithmic) {
    for (int i = 0; i < 20000; ++i) values.push_back(low + (high - low) * std::exp2(-30 * somewhere(random)));
  }
  return values;
}

// The table gives what the equation gives, except next to a threshold, where rounding may go either way.
void check_equation(const TableScheme& table, const std::vector<double>& values,
                    const std::function<double(double)>& equation) {
  int wrong = 0;
  double worst = 0;
  for (const double x : values) {
    const double expected = equation(x), got = value_of(x, table);
    const double scale = std::max({std::abs(expected), std::abs(got), 1e-300});
    if (std::abs(expected - got) <= 1e-9 * scale + 1e-15) continue;
    const bool at_threshold = std::any_of(table.thresholds.begin(), table.thresholds.end(), [&](double t) {
      return std::abs(x - t) <= 1e-12 * std::max(1e-3, std::abs(x));
    });
    if (at_threshold) continue;
    ++wrong;
    worst = x;
  }
  CAPTURE(worst);
  CHECK(wrong == 0);
}

std::vector<float> logits_of(const FloatNetwork& network, std::uint64_t seed, Observer* observer = nullptr) {
  const Preprocessing& p = network.description.preprocessing;
  SyntheticPictures pictures(1, p.height, p.width, seed);
  std::vector<std::uint8_t> pixels(static_cast<std::size_t>(p.height) * static_cast<std::size_t>(p.width) * 3);
  REQUIRE(pictures.read(0, pixels.data()).ok());
  std::vector<float> logits(static_cast<std::size_t>(network.description.num_classes));
  FloatForward(network, 1).run(pixels.data(), logits.data(), observer);
  return logits;
}

double largest_difference(const std::vector<float>& a, const std::vector<float>& b) {
  double largest = 0;
  for (std::size_t i = 0; i < a.size(); ++i) largest = std::max<double>(largest, std::abs(a[i] - b[i]));
  return largest;
}

// Rows whose channels differ in range and place; channel 3 is constant, channel 5 constantly zero.
SiteSamples uneven_samples(int rows, int cols) {
  std::mt19937 random(11);
  std::normal_distribution<float> normal(0, 1);
  SiteSamples samples{rows, cols, {}};
  for (int picture = 0; picture < 4; ++picture) {
    std::vector<float> data;
    for (int r = 0; r < rows; ++r) {
      for (int c = 0; c < cols; ++c) {
        const float wide = c % 7 == 2 ? 12.0f : 0.2f + 0.1f * static_cast<float>(c % 5);
        data.push_back(c == 3 ? 1.75f : c == 5 ? 0.0f : wide * normal(random) + static_cast<float>(c % 3) - 1.0f);
      }
    }
    samples.pictures.push_back(data);
  }
  return samples;
}

FloatLinear some_linear(int out, int in) {
  std::mt19937 random(5);
  std::normal_distribution<float> normal(0, 0.1f);
  FloatLinear layer{out, in, std::vector<float>(static_cast<std::size_t>(out * in)),
                    std::vector<float>(static_cast<std::size_t>(out))};
  for (float& w : layer.weight) w = normal(random);
  return layer;
}

// Codes of row 0 of the first picture and all weights, after a reparameterisation.
std::vector<int> codes_behind(const Reparameterisation& r, const SiteSamples& samples, const FloatLinear& layer) {
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

TEST_CASE("TanQ is its equation, with 2^bits levels from 0 to 1") {
  for (const int bits : {3, 4, 6, 8}) {
    for (const TanAngles& angles : tan_candidates()) {
      CAPTURE(bits);
      CAPTURE(angles.at_zero);
      CAPTURE(angles.at_one);
      const TableScheme table = tan_table(angles, bits);
      check_shape(table, bits);
      CHECK(table.levels.size() == std::size_t{1} << bits);
      CHECK(table.levels.front() == 0);
      CHECK(table.levels.back() == 1);
    }
  }
  for (const TanAngles angles : {TanAngles{1.4, 1.1}, {1.2, 0}, {1.56, 1.4}}) {
    for (const int bits : {3, 4, 6, 8}) {
      const double alpha = angles.at_zero + angles.at_one, beta = angles.at_zero / alpha;
      const double f0 = std::tan(alpha * (0 - beta)), f1 = std::tan(alpha * (1 - beta));
      const double step = (f1 - f0) / ((1 << bits) - 1);
      check_equation(tan_table(angles, bits), probes(0, 1, true), [&](double a) {
        const double q = std::clamp<double>(std::round((std::tan(alpha * (a - beta)) - f0) / step), 0, (1 << bits) - 1);
        return beta + std::atan(f0 + q * step) / alpha;
      });
    }
  }
}

TEST_CASE("TanQ has the levels that are known for u = 1.40, v = 1.10") {
  const std::vector<double> known = {0,     .0065, .0145, .0242, .0365, .0525, .0739, .104,
                                     .1488, .2197, .3372, .518,  .7164, .8596, .9465, 1};
  const TableScheme table = tan_table({1.40, 1.10}, 4);
  for (std::size_t i = 0; i < known.size(); ++i) CHECK(table.levels[i] == doctest::Approx(known[i]).epsilon(0.005));
}

TEST_CASE("logarithmic codes are their equation, zero being one of the 2^bits levels") {
  for (const LogarithmBase base : {LogarithmBase::two, LogarithmBase::square_root_of_two}) {
    const double per_octave = base == LogarithmBase::two ? 1 : 2;
    for (const int bits : {3, 4, 6}) {
      for (const double delta : {1.0, 0.37}) {
        const TableScheme table = logarithmic_table(base, delta, bits);
        check_shape(table, bits);
        CHECK(table.levels.size() == std::size_t{1} << bits);
        check_equation(table, probes(0, 1, true), [&](double a) {
          if (a == 0) return 0.0;
          const double q = std::max(0.0, std::round(-per_octave * std::log2(a / delta)));
          if (q >= (1 << bits) - 1) return 0.0;  // one level fewer than in the published code
          const bool odd = base == LogarithmBase::square_root_of_two && std::fmod(q, 2) == 1;
          return delta * std::exp2(-std::ceil(q / per_octave)) * (odd ? std::sqrt(2.0) : 1.0);
        });
      }
    }
  }
}

TEST_CASE("Shift-Log2 is its equation on GELU outputs") {
  for (const LogarithmBase base : {LogarithmBase::two, LogarithmBase::square_root_of_two}) {
    const double per_octave = base == LogarithmBase::two ? 1 : 2;
    const TableScheme table = shifted_logarithmic_table(base, 3.2, kGeluMinimum, 4);
    check_shape(table, 4);
    CHECK(table.levels.size() == 16);
    check_equation(table, probes(kGeluMinimum, 5, true), [&](double x) {
      const double shifted = x - kGeluMinimum;
      const double q = shifted > 0 ? std::max(0.0, std::round(-per_octave * std::log2(shifted / 3.2))) : 99;
      return (q >= 15 ? 0.0 : 3.2 * std::exp2(-q / per_octave)) + kGeluMinimum;
    });
  }
  // With 8 bits most levels are nearer to the shift than doubles can tell.
  check_shape(shifted_logarithmic_table(LogarithmBase::two, 3.2, kGeluMinimum, 8), 8);
}

TEST_CASE("V-2SF is its equation wherever both ranges overlap") {
  for (const int bits : {3, 4, 6, 8}) {
    for (int shift = 0; shift <= 8; ++shift) {
      CAPTURE(bits);
      CAPTURE(shift);
      const int half = 1 << (bits - 1);
      const TableScheme softmax = two_scaled_probabilities(shift, bits);
      check_shape(softmax, bits);
      CHECK(softmax.levels.front() == 0);
      CHECK(softmax.levels.back() == doctest::Approx(1));
      if (shift <= bits - 1) {
        const double coarse = 1.0 / (half - 1), fine = std::ldexp(coarse, -shift);
        check_equation(softmax, probes(0, 1, true), [&](double a) {
          const double n = std::round(a / fine);
          return n < half ? fine * n : coarse * std::min<double>(std::round(a / coarse), half - 1);
        });
      }
      const TableScheme gelu = two_scaled_activations(6.0, shift, bits);
      check_shape(gelu, bits);
      if (shift <= bits - 2) {
        const double coarse = 6.0 / (half - 1), fine = std::ldexp(coarse, -shift);
        check_equation(gelu, probes(-0.17, 7, false), [&](double x) {
          const double n = std::max<double>(std::round(x / fine), -half / 2);
          return n < half / 2 ? fine * n : coarse * std::min<double>(std::round(x / coarse), half - 1);
        });
      }
    }
  }
}

TEST_CASE("twin uniform codes are their equation") {
  for (const int bits : {3, 4, 6, 8}) {
    const int half = 1 << (bits - 1);
    for (int split = 0; split < 12; ++split) {
      check_shape(twin_uniform_probabilities(split, bits), bits);
      CHECK(twin_uniform_probabilities(split, bits).levels.back() == doctest::Approx(1));
    }
    const TableScheme gelu = twin_uniform_activations(4.0, bits);
    check_shape(gelu, bits);
    CHECK(gelu.levels.size() == std::size_t{1} << bits);
    check_equation(gelu, probes(-0.17, 5, false), [&](double x) {
      if (x < 0) return -std::min<double>(std::round(-x / (-kGeluMinimum / half)), half) * -kGeluMinimum / half;
      return std::min<double>(std::round(x / (4.0 / (half - 1))), half - 1) * 4.0 / (half - 1);
    });
  }
}

TEST_CASE("a grid covers the levels that lie on it") {
  for (const auto& [low, high] :
       {std::pair{-0.17, 6.0}, {-0.17, 0.0}, {0.0, 1.0}, {-3.0, 0.001}, {0.0, 0.0}, {0.5, 2.0}}) {
    for (const int bits : {8, 12}) {
      CAPTURE(low);
      CAPTURE(high);
      const UniformScheme grid = grid_for(low, high, bits);
      CHECK(grid.bits == bits);
      CHECK(grid.scale > 0);
      CHECK(grid.zero_point >= 0);
      CHECK(grid.zero_point <= grid.highest_code());
      CHECK(grid.lowest() <= low + 1e-12);
      CHECK(grid.highest() >= high - 1e-12);
    }
  }
}

TEST_CASE("centroids never lose by squared error, and stay in order") {
  std::mt19937 random(2);
  std::exponential_distribution<float> small(30);
  std::vector<float> samples(20000);
  for (float& x : samples) x = std::min(1.0f, small(random));
  Histogram histogram;
  histogram.add(samples.data(), samples.size());
  const TableScheme plain = tan_table({1.4, 1.1}, 4);
  const TableScheme refitted = with_centroids(plain, samples);
  CHECK(squared_error(histogram, refitted) < squared_error(histogram, plain));
  CHECK(std::is_sorted(refitted.levels.begin(), refitted.levels.end()));
}

TEST_CASE("the common scale of a full reparameterisation changes no code") {
  const SiteSamples samples = uneven_samples(50, 40);
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
  const SiteSamples samples = uneven_samples(50, 40);
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
  const SiteSamples samples = uneven_samples(50, 40);
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
  SiteSamples dead{10, 4, {std::vector<float>(40, 0.0f)}};
  const Reparameterisation r =
      best_reparameterisation(dead, some_linear(6, 4), {4, WeightRange::mse}, 4, Offsets::chosen, 1);
  for (std::size_t c = 0; c < 4; ++c) {
    CHECK(r.equalisation.scale[c] == 1);
    CHECK(r.equalisation.offset[c] == 0);
  }
  CHECK(r.scheme.scale > 0);
}

TEST_CASE("the searched scales lose less than RepQ's, and no more on any number of threads") {
  const SiteSamples samples = uneven_samples(50, 40);
  const FloatLinear layer = some_linear(24, 40);
  const Reparameterisation one = best_reparameterisation(samples, layer, {4, WeightRange::mse}, 4, Offsets::chosen, 1);
  const Reparameterisation three =
      best_reparameterisation(samples, layer, {4, WeightRange::mse}, 4, Offsets::chosen, 3);
  CHECK(one.equalisation.scale == three.equalisation.scale);
  CHECK(one.equalisation.offset == three.equalisation.offset);
  CHECK(one.scheme.scale == three.scheme.scale);
}

TEST_CASE("residual steps keep to the common unit, and two steps are better than one") {
  const SiteSamples samples = uneven_samples(60, 40);
  std::vector<float> rows;
  for (const auto& picture : samples.pictures) rows.insert(rows.end(), picture.begin(), picture.end());
  const FloatLayerNorm norm{std::vector<float>(40, 1.0f), std::vector<float>(40, 0.1f)};
  double largest = 0;
  for (const float x : rows) largest = std::max<double>(largest, std::abs(x));
  for (const int bits : {6, 8}) {
    ResidualSearch search(3 * largest, bits, 1e-6, 2);
    search.add("a", channel_magnitudes(samples), rows, norm);
    std::vector<float> small = rows;
    for (float& x : small) x /= 50;
    std::vector<double> magnitudes = channel_magnitudes(samples);
    for (double& m : magnitudes) m /= 50;
    search.add("b", magnitudes, small, norm);
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

TEST_CASE("knobs: defaults, settings, and clear errors") {
  for (const Method& method : methods()) {
    const Knobs defaults(method.name);
    for (const Knob& knob : knobs_of(method.name)) {
      CHECK(defaults.get(knob.name) == knob.initial);
      CHECK(knob.lowest <= knob.initial);
      CHECK(knob.initial <= knob.highest);
    }
  }
  const auto set = [](std::vector<std::string> settings) { return Knobs::with("dopq", settings); };
  REQUIRE(set({"centroid=0", "value_bits=10"}).ok());
  CHECK(set({"centroid=0", "value_bits=10"}).value().get("value_bits") == 10);
  CHECK_FALSE(set({"centroid=0"}).value().on("centroid"));
  for (const char* wrong : {"centroid", "nothing=1", "centroid=", "centroid=x", "centroid=2", "centroid=nan", "=1"}) {
    CAPTURE(wrong);
    const auto result = set({wrong});
    REQUIRE_FALSE(result.ok());
    CHECK(result.status().message().find("value_bits (0..12)") != std::string::npos);
  }
}

TEST_CASE("every method's plan survives JSON, equalises the network without changing it, and can be simulated") {
  VitDescription vit = small_vit();
  FloatNetwork network = random_network(vit, 21);
  // Awkward channels: no gain, with and without an offset, and outliers.
  network.blocks[0].norm1.gamma[3] = network.blocks[0].norm2.gamma[5] = 0;
  network.blocks[0].norm1.beta[3] = 2;
  network.blocks[0].norm2.beta[5] = 0;
  network.blocks[1].norm1.gamma[7] = 30;
  SyntheticPictures pictures(3, 32, 32, 1);
  const Progress progress = [](const std::string&, int, int) {};
  const Result<Calibration> calibration = calibrate(network, {pictures, 1, progress});
  REQUIRE(calibration.ok());
  // One of the pictures of calibration, of which there are too few to tell the ranges of others.
  const std::vector<float> exact = logits_of(network, 1);
  double power = 0;
  for (const float logit : exact) power = std::max<double>(power, std::abs(logit));
  for (const Method& method : methods()) {
    const Knobs knobs(method.name);
    for (const int bits : {8, 6, 4, 3}) {
      CAPTURE(method.name);
      CAPTURE(bits);
      const auto plan =
          make_plan(method, {network, calibration.value().statistics, bits, bits, {pictures, 1, progress}, knobs});
      REQUIRE(plan.ok());
      const std::string text = plan_to_json(plan.value());
      const Result<Plan> again = plan_from_json(text, "test");
      REQUIRE_MESSAGE(again.ok(), again.status().message());
      CHECK(plan_to_json(again.value()) == text);
      for (const auto& [name, schemes] : plan.value().activations) {
        for (const ActivationScheme& scheme : schemes) CHECK(scheme.bits <= bits);
      }
      FloatNetwork equalised = network;
      REQUIRE(equalise(plan.value().equalisations, equalised).ok());
      CHECK(largest_difference(logits_of(equalised, 1), exact) < 1e-3 * power);
      PlanSimulator simulator(vit, plan.value(), 1);
      const double error = largest_difference(logits_of(equalised, 1, &simulator), exact);
      CHECK(std::isfinite(error));
      // RepQ-ViT's levels of softmax outputs are half an octave apart, whatever the bits.
      if (bits == 8 && method.name != "repq") CHECK(error < 0.3 * power);
    }
  }
}
