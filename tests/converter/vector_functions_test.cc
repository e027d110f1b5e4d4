// The vectors of the float network: every instruction set against double precision, and those with fused
// multiplications against each other, bit for bit.
#include <doctest/doctest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdlib>
#include <limits>
#include <numeric>
#include <random>
#include <string>
#include <vector>

#include "converter/float/vectors/vector_functions.h"
#include "tests/converter/float_reference.h"

namespace intvit {
namespace {

using Floats = std::vector<float>;

constexpr float kInfinity = std::numeric_limits<float>::infinity(), kNan = std::numeric_limits<float>::quiet_NaN(),
                kLargest = std::numeric_limits<float>::max(), kDenormal = std::numeric_limits<float>::denorm_min();

struct Set {
  std::string name;
  const VectorFunctions* functions;
};

std::vector<Set> sets_here() {
  std::vector<Set> sets;
  for (const Isa isa : {Isa::scalar, Isa::avx2, Isa::avx512vnni}) {
    const VectorFunctions* functions = vector_functions(isa);
    if (functions != nullptr) sets.push_back({std::string(isa_name(isa)), functions});
  }
  return sets;
}

VectorFunctions::Map map_of(const VectorFunctions& functions, Activation kind) {
  return kind == Activation::gelu_erf    ? functions.gelu_erf
         : kind == Activation::gelu_tanh ? functions.gelu_tanh
         : kind == Activation::silu      ? functions.silu
                                         : functions.quick_gelu;
}

// What e^-y is taken of.
double exponent_of(Activation kind, double x) {
  return kind == Activation::gelu_erf    ? 0.5 * x * x
         : kind == Activation::gelu_tanh ? std::fabs(1.6 * (x + 0.0447 * x * x * x))
         : kind == Activation::silu      ? std::fabs(x)
                                         : std::fabs(1.702 * x);
}

// Without the cancellation in float_reference.h, far below zero.
double exact(Activation kind, double x) {
  if (kind == Activation::gelu_erf) return 0.5 * x * std::erfc(-x / std::sqrt(2.0));
  if (kind == Activation::silu) return x / (1 + std::exp(-x));
  const double u =
      kind == Activation::quick_gelu ? 1.702 * x : std::sqrt(8 / std::acos(-1.0)) * (x + 0.044715 * x * x * x);
  return x / (1 + std::exp(-u));
}

// Floats of every exponent and sign, and what is special.
Floats all_magnitudes() {
  Floats values = {0.0f, -0.0f, kDenormal, -kDenormal, kLargest, -kLargest, 13.19f, -13.19f, 14.0f, -14.0f, -87.5f};
  for (std::uint64_t bits = 0; bits < 1ull << 32; bits += 9973) {
    const float x = std::bit_cast<float>(static_cast<std::uint32_t>(bits));
    if (std::isfinite(x)) values.push_back(x);
  }
  for (int i = -4000; i <= 4000; ++i) values.push_back(static_cast<float>(i) / 200.0f);
  return values;
}

Floats mapped(VectorFunctions::Map function, const Floats& x) {
  Floats y(x.size());
  function(x.data(), static_cast<int>(x.size()), y.data());
  return y;
}

// Any two NaNs are the same.
bool same_bits(const Floats& a, const Floats& b) {
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (std::isnan(a[i]) && std::isnan(b[i])) continue;
    if (std::bit_cast<std::uint32_t>(a[i]) != std::bit_cast<std::uint32_t>(b[i])) return false;
  }
  return a.size() == b.size();
}

Floats random_row(std::size_t count, unsigned seed, float deviation) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal(0.3f, deviation);
  Floats row(count);
  for (float& x : row) x = normal(random);
  return row;
}

Floats softmax(const VectorFunctions& functions, Floats row) {
  functions.softmax_row(row.data(), static_cast<int>(row.size()));
  return row;
}

Floats layer_norm(const VectorFunctions& functions, const Floats& row, float eps) {
  const Floats gamma = random_row(row.size(), 91, 1.0f), beta = random_row(row.size(), 92, 1.0f);
  Floats output(row.size());
  functions.layer_norm_row({row.data(), gamma.data(), beta.data(), static_cast<int>(row.size()), eps, output.data()});
  return output;
}

double largest_difference(const Floats& actual, const std::vector<double>& expected) {
  double difference = 0;
  for (std::size_t i = 0; i < actual.size(); ++i) {
    const double here = std::fabs(actual[i] - expected[i]);
    if (!(here <= difference)) difference = here;  // a NaN, too
  }
  return difference;
}

constexpr Activation kActivations[] = {Activation::gelu_erf, Activation::gelu_tanh, Activation::quick_gelu,
                                       Activation::silu};

}  // namespace

TEST_CASE("vectors: activations are as accurate as floats allow at every magnitude") {
  const Floats x = all_magnitudes();
  for (const Set& set : sets_here()) {
    for (const Activation kind : kActivations) {
      const Floats y = mapped(map_of(*set.functions, kind), x);
      // The exponent's own roundings count as often as the exponent is large. Below 2e-36 all is nothing.
      const auto allowed = [&](double value, double at) {
        return std::fabs(value) * (4 + 2 * std::min(exponent_of(kind, at), 90.0)) * 0x1p-23 + 2e-36;
      };
      std::size_t wrong = 0, last = 0;
      for (std::size_t i = 0; i < x.size(); ++i) {
        const double expected = exact(kind, x[i]);
        if (!(std::fabs(y[i] - expected) <= allowed(expected, x[i]))) ++wrong, last = i;
      }
      CHECK_MESSAGE(wrong == 0,
                    set.name << ", activation " << static_cast<int>(kind) << ": " << x[last] << " -> " << y[last]);
    }
  }
}

TEST_CASE("vectors: activations of infinities are the limits, of NaN NaN, of denormals half of them") {
  for (const Set& set : sets_here()) {
    CAPTURE(set.name);
    for (const Activation kind : kActivations) {
      const Floats y = mapped(map_of(*set.functions, kind), {kInfinity, -kInfinity, kNan, -kNan, 1e-40f, 0.0f, -0.0f});
      CHECK(y[0] == kInfinity);
      CHECK(y[1] == 0.0f);
      CHECK((std::isnan(y[2]) && std::isnan(y[3])));
      CHECK(y[4] == doctest::Approx(0.5e-40).epsilon(1e-4));
      CHECK((y[5] == 0.0f && y[6] == 0.0f));
    }
  }
}

TEST_CASE("vectors: any length, place and in place, and nothing beyond the end") {
  const Floats x = random_row(64, 5, 3.0f);
  for (const Set& set : sets_here()) {
    CAPTURE(set.name);
    for (const Activation kind : kActivations) {
      const VectorFunctions::Map function = map_of(*set.functions, kind);
      const Floats whole = mapped(function, x);
      for (int count = 0; count <= 40; ++count) {
        const int first = count % 9;
        Floats y = x;
        function(y.data() + first, count, y.data() + first);
        for (int i = 0; i < 64; ++i) {
          const auto at = static_cast<std::size_t>(i);
          REQUIRE(y[at] == (i < first || i >= first + count ? x[at] : whole[at]));
        }
      }
    }
  }
}

TEST_CASE("vectors: softmax of a row") {
  for (const Set& set : sets_here()) {
    CAPTURE(set.name);
    for (const std::size_t count : {1, 2, 7, 15, 16, 17, 31, 33, 197, 577}) {
      Floats row = random_row(count, static_cast<unsigned>(count), 4.0f);
      if (count > 2) row[count - 1] = -kInfinity, row[count / 2] = -1e30f;
      double sum = 0;
      std::vector<double> expected(row.begin(), row.end());
      const double largest = *std::max_element(expected.begin(), expected.end());
      for (double& x : expected) sum += x = std::exp(x - largest);
      for (double& x : expected) x /= sum;
      CHECK(largest_difference(softmax(*set.functions, row), expected) <= 1e-6);
      row[count / 3] = kNan;
      for (const float x : softmax(*set.functions, row)) CHECK(std::isnan(x));
    }
    CHECK(softmax(*set.functions, {-kLargest, -kLargest}) == Floats{0.5f, 0.5f});
    CHECK(softmax(*set.functions, {kLargest, -kLargest, kLargest}) == Floats{0.5f, 0.0f, 0.5f});
    CHECK(softmax(*set.functions, {kDenormal, 0.0f}) == Floats{0.5f, 0.5f});
  }
}

TEST_CASE("vectors: normalisation of a row") {
  for (const Set& set : sets_here()) {
    CAPTURE(set.name);
    for (const std::size_t count : {1, 2, 5, 15, 16, 17, 47, 48, 49, 192, 769}) {
      for (const float offset : {0.0f, 50.0f}) {
        Floats row = random_row(count, static_cast<unsigned>(count), 2.0f);
        for (float& x : row) x += offset;
        const FloatLayerNorm norm = {random_row(count, 91, 1.0f), random_row(count, 92, 1.0f)};
        const auto expected = float_reference::layer_norm(norm, 1e-3, {row.begin(), row.end()});
        CHECK(largest_difference(layer_norm(*set.functions, row, 1e-3f), expected) <= 1e-6 * (20 + 4 * offset));
        row[count / 2] = kNan;
        for (const float x : layer_norm(*set.functions, row, 1e-3f)) CHECK(std::isnan(x));
      }
    }
    CHECK(layer_norm(*set.functions, Floats(48, 3.0f), 1e-6f) == random_row(48, 92, 1.0f));
  }
}

TEST_CASE("vectors: sets with fused multiplications give the same bits") {
  const VectorFunctions *avx2 = vector_functions(Isa::avx2), *avx512 = vector_functions(Isa::avx512vnni);
  if (avx2 == nullptr || avx512 == nullptr) {
    MESSAGE("skipped: this CPU or this build lacks avx2 or avx512vnni");
    return;
  }
  Floats x = all_magnitudes();
  x.insert(x.end(), {kInfinity, -kInfinity, kNan});
  for (const Activation kind : kActivations) {
    CHECK(same_bits(mapped(map_of(*avx2, kind), x), mapped(map_of(*avx512, kind), x)));
  }
  Floats sums[] = {x, x};
  avx2->add_product(1.1f, x.data(), static_cast<int>(x.size()), sums[0].data());
  avx512->add_product(1.1f, x.data(), static_cast<int>(x.size()), sums[1].data());
  CHECK(same_bits(sums[0], sums[1]));
  for (std::size_t count = 1; count < 100; ++count) {
    for (const float deviation : {1e-30f, 1.0f, 1e3f, 1e25f}) {
      Floats row = random_row(count, static_cast<unsigned>(count), deviation);
      CHECK(same_bits(softmax(*avx2, row), softmax(*avx512, row)));
      CHECK(same_bits(layer_norm(*avx2, row, 1e-6f), layer_norm(*avx512, row, 1e-6f)));
      row[count / 2] = count % 3 == 0 ? kNan : count % 3 == 1 ? -kInfinity : kDenormal;
      CHECK(same_bits(softmax(*avx2, row), softmax(*avx512, row)));
      CHECK(same_bits(layer_norm(*avx2, row, 1e-6f), layer_norm(*avx512, row, 1e-6f)));
    }
  }
}

TEST_CASE("vectors: values on a grid are those of the formula, bit for bit") {
  const ValuesOnGrid values = {{1 / 0.3, 0.3, -5, 10}, {1 / 0.0625, 0.0625, -100, 155}, 4.5};
  const auto nearest = [](double x, const EvenValues& v) {
    return v.scale * (0.0 + std::nearbyint(std::fmin(std::fmax(x * v.inverse, v.lowest), v.highest)));  // 0 for -0
  };
  Floats x = all_magnitudes(), expected;
  x.insert(x.end(), {kInfinity, -kInfinity});
  for (const float v : x) {
    expected.push_back(
        static_cast<float>(nearest(std::fabs(v) > values.outlier ? v : nearest(v, values.code), values.grid)));
  }
  for (const Set& set : sets_here()) {
    CAPTURE(set.name);
    Floats y = x;
    set.functions->round_to_grid(values, y.data(), static_cast<int>(y.size()));
    CHECK(same_bits(y, expected));
    for (int count = 0; count <= 40; ++count) {
      Floats some(x.begin(), x.begin() + 50);
      set.functions->round_to_grid(values, some.data(), count);
      for (int i = 0; i < 50; ++i) {
        REQUIRE(some[static_cast<std::size_t>(i)] == (i < count ? expected : x)[static_cast<std::size_t>(i)]);
      }
    }
    Floats nan = {kNan};
    set.functions->round_to_grid(values, nan.data(), 1);
    CHECK(std::isnan(nan[0]));
  }
}

TEST_CASE("vectors: tables of every size are looked up as one by one") {
  const Floats row = random_row(77, 8, 1.5f);
  for (int count = 2; count <= kMostTableLevels; ++count) {
    std::vector<double> thresholds, levels = {-9};
    for (int k = 1; k < count; ++k) {
      // Some thresholds are values, which belong above.
      thresholds.push_back(k % 3 == 0 ? row[static_cast<std::size_t>(k)] / 1.25 : -2 + 4.0 * k / count);
      levels.push_back(k + 0.1);
    }
    std::sort(thresholds.begin(), thresholds.end());
    std::vector<double> expected;
    for (const float x : row) {
      const auto above = std::upper_bound(thresholds.begin(), thresholds.end(), x / 1.25);
      expected.push_back(levels[static_cast<std::size_t>(above - thresholds.begin())]);
    }
    for (const Set& set : sets_here()) {
      CAPTURE(set.name);
      for (const std::size_t length : {77, 64, 5, 0}) {
        std::vector<double> found(78, 0.0), wanted(78, 0.0);
        std::copy_n(expected.begin(), length, wanted.begin());
        set.functions->look_up({thresholds.data(), levels.data(), count, 1.25}, row.data(), static_cast<int>(length),
                               found.data());
        CHECK(found == wanted);
      }
    }
  }
}

TEST_CASE("vectors: errors and products of every length") {
  const EvenValues values = {1 / 0.3, 0.3, -7, 8};
  for (int count = 0; count <= 70; ++count) {
    const Floats x = random_row(static_cast<std::size_t>(count), 4, 2.0f);
    double error = 0;
    for (const float v : x) error += std::pow(v - 0.3 * std::clamp(std::nearbyint(v / 0.3), -7.0, 8.0), 2);
    const double of_baseline = vector_functions(Isa::scalar)->squared_error(values, x.data(), count);
    CHECK(of_baseline == doctest::Approx(error).epsilon(1e-12));
    const Floats y = random_row(static_cast<std::size_t>(count), 7, 2.0f);
    const std::vector<double> wide_x(x.begin(), x.end()), wide_y(y.begin(), y.end());
    const double product = vector_functions(Isa::scalar)->dot(wide_x.data(), wide_y.data(), count);
    CHECK(product == doctest::Approx(std::inner_product(wide_x.begin(), wide_x.end(), wide_y.begin(), 0.0)));
    const Floats start = random_row(static_cast<std::size_t>(count) + 1, 6, 2.0f);
    for (const Set& set : sets_here()) {
      CAPTURE(set.name);
      CHECK(set.functions->squared_error(values, x.data(), count) == of_baseline);
      CHECK(set.functions->dot(wide_x.data(), wide_y.data(), count) == product);
      CHECK(set.functions->dot_floats(x.data(), y.data(), count) == product);
      Floats sums = start;
      set.functions->add_product(1.7f, x.data(), count, sums.data());
      std::vector<double> exact_sums(start.begin(), start.end());
      for (std::size_t i = 0; i < x.size(); ++i) exact_sums[i] += static_cast<double>(1.7f) * x[i];
      CHECK(largest_difference(sums, exact_sums) <= 2e-6);
      CHECK(sums.back() == start.back());
    }
  }
}

// tests/CMakeLists.txt runs this with oneDNN's variable, too.
TEST_CASE("vectors: the best set is taken, but none beyond what oneDNN may use") {
  const char* limit = std::getenv("DNNL_MAX_CPU_ISA");
  const std::string name = limit == nullptr ? "" : limit;
  const std::vector<Set> sets = sets_here();
  if (name == "SSE41") {
    CHECK(&vector_functions() == vector_functions(Isa::scalar));
  } else if (name == "AVX2" && vector_functions(Isa::avx2) != nullptr) {
    CHECK(&vector_functions() == vector_functions(Isa::avx2));
  } else if (name.empty()) {
    CHECK(&vector_functions() == sets.back().functions);
  }
  CHECK(vector_functions(Isa::amx) == nullptr);
}

}  // namespace intvit
