// The quantizers of converter/quantizers/ against the papers' equations, written down here a second time without
// tables.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <random>
#include <utility>
#include <vector>

#include "converter/plan/simulate.h"
#include "converter/quantizers/logarithmic.h"
#include "converter/quantizers/table.h"
#include "converter/quantizers/tanq.h"
#include "converter/quantizers/two_scaled.h"
#include "converter/quantizers/uniform.h"

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
