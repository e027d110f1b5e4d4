// layer_norm: every instruction set against the scalar law, and the law against the formula in double.
#include "kernels/layer_norm/layer_norm_law.h"

#include <doctest/doctest.h>

#include <cmath>
#include <set>
#include <vector>

#include "tests/kernels/test_data.h"

namespace intvit::test {
namespace {

using namespace intvit::kernels;

struct Parameters {
  int shift = 20;
  int beta_shift = 14;
  std::uint64_t epsilon = 1;
  int max_code = 255;
  bool centred = true;
  bool add = false;  // to any values
};

// Compares all instruction sets for `rows` rows that `make_row(row pointer, channels, random)` fills. T is what is
// written: u8 codes or s16 values.
template <typename T, typename MakeRow>
void compare_results(const std::vector<Isa>& isas, int rows, int channels, const Parameters& parameters, Pattern affine,
                     std::uint64_t seed, MakeRow&& make_row) {
  Random random(seed);
  const auto c = static_cast<std::size_t>(channels);
  const std::size_t src_stride = c + seed % 7, dst_stride = c + seed % 5;
  const auto last = static_cast<std::size_t>(rows - 1);
  FencedBuffer<std::int16_t> src(last * src_stride + c);
  FencedBuffer<std::int16_t> gamma_beta(2 * c);
  for (int r = 0; r < rows; ++r) make_row(src.data() + static_cast<std::size_t>(r) * src_stride, channels, random);
  fill(gamma_beta.data(), 2 * c, affine, random);
  const auto run = [&](Isa isa, GuardedBuffer<T>& dst) {
    Random stream(seed);
    fill(dst.data(), last * dst_stride + c, Pattern::random, stream);
    kernel_table(isa).layer_norm->run({src.data(), static_cast<std::ptrdiff_t>(src_stride), dst.data(),
                                       static_cast<std::ptrdiff_t>(dst_stride), rows, channels, gamma_beta.data(),
                                       parameters.shift, parameters.beta_shift, parameters.epsilon, parameters.max_code,
                                       sizeof(T) == 2, parameters.centred, parameters.add});
  };
  GuardedBuffer<T> expected(last * dst_stride + c, seed % 11);
  run(Isa::scalar, expected);
  REQUIRE(expected.guards_intact());
  for (const Isa isa : isas) {
    GuardedBuffer<T> actual(last * dst_stride + c, seed % 63);
    run(isa, actual);
    const std::ptrdiff_t at = first_difference(expected, actual);
    const std::string message = describe(isa) + ": " + std::to_string(rows) + " x " + std::to_string(channels) +
                                ", shift " + std::to_string(parameters.shift) + ", beta_shift " +
                                std::to_string(parameters.beta_shift) + ", max_code " +
                                std::to_string(parameters.max_code) + (sizeof(T) == 2 ? ", values" : "") +
                                (parameters.centred ? "" : ", not centred") + (parameters.add ? ", added" : "") +
                                ", element " + std::to_string(at);
    CHECK_MESSAGE(at < 0, message);
    CHECK_MESSAGE(actual.guards_intact(), message);
  }
}

// Codes of 8 bits and of fewer, and values.
template <typename MakeRow>
void compare(const std::vector<Isa>& isas, int rows, int channels, const Parameters& parameters, Pattern affine,
             std::uint64_t seed, MakeRow&& make_row) {
  compare_results<std::uint8_t>(isas, rows, channels, parameters, affine, seed, make_row);
  compare_results<std::int16_t>(isas, rows, channels, parameters, affine, seed, make_row);
  Parameters narrow = parameters;
  narrow.max_code = static_cast<int>(1 + seed * 37 % 255);
  compare_results<std::uint8_t>(isas, rows, channels, narrow, affine, seed, make_row);
  Parameters other = parameters;
  other.add = true;
  compare_results<std::int16_t>(isas, rows, channels, other, affine, seed, make_row);
  other.centred = false;
  compare_results<std::int16_t>(isas, rows, channels, other, affine, seed, make_row);
  narrow.centred = false;
  compare_results<std::uint8_t>(isas, rows, channels, narrow, affine, seed, make_row);
}

// Uniform around a mean, of a magnitude that differs from row to row: reaches most exponents.
void any_row(std::int16_t* x, int channels, Random& random) {
  const std::int64_t spread = std::int64_t{1} << random.integer(0, 15);
  const std::int64_t mean = random.any_magnitude(14);
  for (int c = 0; c < channels; ++c)
    x[c] = saturate_s16(static_cast<std::int32_t>(mean + random.integer(-spread, spread)));
}

TEST_CASE("layer_norm: every number of channels") {
  const std::vector<Isa> isas = vector_isas();
  std::uint64_t seed = 1;
  for (int channels = 1; channels <= 70; ++channels) compare(isas, 5, channels, {}, Pattern::random, seed++, any_row);
  for (const int channels : {96, 192, 193, 384, 768, 1024, 1031}) {
    for (int i = 0; i < 10; ++i) compare(isas, 7, channels, {}, Pattern::random, seed++, any_row);
  }
}

TEST_CASE("layer_norm: every number of rows") {
  const std::vector<Isa> isas = vector_isas();
  for (int rows = 1; rows <= 40; ++rows) {
    compare(isas, rows, 35, {}, Pattern::random, static_cast<std::uint64_t>(500 + rows), any_row);
  }
}

TEST_CASE("layer_norm: every shift, extreme weights") {
  const std::vector<Isa> isas = vector_isas();
  std::uint64_t seed = 1000;
  for (int shift = 1; shift <= 30; ++shift) {
    for (const int beta_shift : {0, 1, 7, 13, 14}) {
      for (const Pattern affine : kPatterns) compare(isas, 3, 67, {shift, beta_shift, 1}, affine, seed++, any_row);
    }
  }
}

TEST_CASE("layer_norm: epsilon from 1 to the largest allowed") {
  const std::vector<Isa> isas = vector_isas();
  std::uint64_t seed = 2000;
  for (int bits = 0; bits < 62; ++bits) {
    compare(isas, 4, 97, {20, 14, std::uint64_t{1} << bits}, Pattern::random, seed++, any_row);
  }
  compare(isas, 4, 97, {20, 14, (std::uint64_t{1} << 62) - 1}, Pattern::random, seed++, any_row);
}

TEST_CASE("layer_norm: constant, extreme and spiky rows of every exponent") {
  const std::vector<Isa> isas = vector_isas();
  std::uint64_t seed = 3000;
  std::set<int> exponents;
  const auto check = [&](int channels, auto&& value_at) {
    const auto make_row = [&](std::int16_t* x, int count, Random&) {
      std::int64_t sum = 0;
      std::uint64_t squares = 0;
      for (int c = 0; c < count; ++c) {
        x[c] = static_cast<std::int16_t>(value_at(c));
        sum += x[c];
        squares += static_cast<std::uint64_t>(std::int64_t{x[c]} * x[c]);
      }
      exponents.insert(normalize_row(sum, squares, count, 1).exponent);
    };
    compare(isas, 1, channels, {}, Pattern::random, seed++, make_row);
  };
  for (const int channels : {1, 2, 3, 31, 32, 33, 64, 192, 768, 4099, 65535, 65536}) {
    for (const int value : {0, 1, -1, 32767, -32767, -32768}) check(channels, [&](int) { return value; });
    for (int amplitude = 1; amplitude <= 32767; amplitude = amplitude * 2 + 1) {
      check(channels, [&](int c) { return c % 2 == 0 ? amplitude : -amplitude - 1; });
      check(channels, [&](int c) { return c == channels / 2 ? amplitude : 0; });
      check(channels, [&](int c) { return c == channels / 2 ? -amplitude - 1 : 32767 - amplitude; });
    }
  }
  for (int exponent = -9; exponent <= 14; ++exponent) {
    CHECK_MESSAGE(exponents.count(exponent) == 1, "no row had exponent " << exponent);
  }
}

TEST_CASE("layer_norm: codes are the values clamped to max_code") {
  Random random(76);
  const int channels = 333;
  std::vector<std::int16_t> x(channels), affine(2 * channels), values(channels);
  std::vector<std::uint8_t> codes(channels);
  for (const Isa isa : all_isas()) {
    for (int max_code = 1; max_code <= 255; ++max_code) {
      any_row(x.data(), channels, random);
      for (std::size_t c = 0; c < channels; ++c) {
        affine[2 * c] = static_cast<std::int16_t>(random.integer(-2000, 2000));
        affine[2 * c + 1] = static_cast<std::int16_t>(random.integer(-100, 400));
      }
      LayerNormArgs args{x.data(), channels, values.data(), channels, 1, channels, affine.data(), 14,
                         14,       1,        max_code,      true};
      kernel_table(isa).layer_norm->run(args);
      args.dst = codes.data();
      args.values = false;
      kernel_table(isa).layer_norm->run(args);
      int wrong = 0, inside = 0;
      for (std::size_t c = 0; c < channels; ++c) {
        if (codes[c] != std::clamp<int>(values[c], 0, max_code)) ++wrong;
        if (values[c] >= 0 && values[c] <= max_code) ++inside;
      }
      CHECK_MESSAGE(wrong == 0, describe(isa) << ", max_code " << max_code);
      CHECK((inside > 0 || max_code < 32));
    }
  }
}

// A layer as the converter prepares it, and the formula that it stands for.
struct Layer {
  std::vector<double> gamma, beta;  // codes per sigma; zero point included in beta
  std::vector<std::int16_t> affine;
  int shift = 0;
  int beta_shift = 14;

  Layer(int channels, double low_gamma, double high_gamma, Random& random) {
    const double unit = std::sqrt(channels) * std::exp2(-13.5);  // sigmas in one step of u
    double largest = 0;
    for (int c = 0; c < channels; ++c) {
      gamma.push_back(random.real(low_gamma, high_gamma) * (random.chance(50) ? 1 : -1));
      beta.push_back(random.real(80, 170));
      largest = std::max(largest, std::fabs(gamma.back()));
    }
    while (shift < 21 && largest * unit * std::exp2(shift + 1) <= 32767) ++shift;  // 255 * 2^(21 - 14) still fits beta
    for (int c = 0; c < channels; ++c) {
      const auto i = static_cast<std::size_t>(c);
      affine.push_back(static_cast<std::int16_t>(std::lround(gamma[i] * unit * std::exp2(shift))));
      affine.push_back(static_cast<std::int16_t>(std::lround(beta[i] * std::exp2(shift - beta_shift))));
    }
  }
};

// The largest distance of a code from the exact value, both limited to 0..255.
double worst_error(const std::vector<std::int16_t>& x, const Layer& layer, double epsilon_units) {
  const auto channels = static_cast<int>(x.size());
  const double n = channels;
  const auto epsilon = static_cast<std::uint64_t>(std::max(1.0, std::round(n * n * epsilon_units)));
  std::vector<std::uint8_t> codes(x.size());
  kernel_table(Isa::scalar)
      .layer_norm->run({x.data(), channels, codes.data(), channels, 1, channels, layer.affine.data(), layer.shift,
                        layer.beta_shift, epsilon});
  double mean = 0, variance = 0;
  for (const std::int16_t value : x) mean += value / n;
  for (const std::int16_t value : x) variance += (value - mean) * (value - mean) / n;
  const double inverse = 1 / std::sqrt(variance + static_cast<double>(epsilon) / (n * n));
  double worst = 0;
  for (std::size_t c = 0; c < x.size(); ++c) {
    const double real = std::clamp(layer.gamma[c] * (x[c] - mean) * inverse + layer.beta[c], 0.0, 255.0);
    worst = std::max(worst, std::fabs(codes[c] - real));
  }
  return worst;
}

TEST_CASE("layer_norm: within 0.6 code of the formula") {
  Random random(77);
  for (const int channels : {192, 384, 768, 1024}) {
    for (const double sigma : {3.0, 10.0, 40.0, 200.0, 1000.0, 3000.0, 8000.0}) {
      double worst = 0;
      for (int i = 0; i < 150; ++i) {
        // 25 codes a sigma: 8 bits span about ten sigmas, the usual width of a post-LayerNorm quantizer.
        const Layer layer(channels, 2, 25, random);
        std::vector<std::int16_t> x;
        const double mean = random.real(-2, 2) * sigma;
        const bool outliers = i % 3 == 0;  // a residual stream has a few channels that dwarf the others
        for (int c = 0; c < channels; ++c) {
          const double wide = outliers && c % 97 == 5 && sigma < 1000 ? 30 : 1;
          x.push_back(saturate_s16(static_cast<std::int32_t>(std::lround(random.bell(mean, sigma * wide)))));
        }
        worst = std::max(worst, worst_error(x, layer, i % 2 == 0 ? 1e-6 : 0.5));
      }
      MESSAGE("layer_norm: C " << channels << ", sigma " << sigma << ": at most " << worst << " code from the formula");
      CHECK(worst < 0.6);
    }
  }
}

// Values of 12 bits: 200 steps a sigma. u has 2^13.5 / sqrt(C) units a sigma, so its own rounding now shows.
TEST_CASE("layer_norm: values against the formula") {
  Random random(80);
  for (const int channels : {192, 384, 768, 1024}) {
    double worst = 0;
    const double unit = std::sqrt(channels) * std::exp2(-13.5);
    for (int i = 0; i < 150; ++i) {
      std::vector<double> gamma, beta;
      std::vector<std::int16_t> x, affine, values(static_cast<std::size_t>(channels));
      const int shift = 15, beta_shift = 12;  // as many bits of gamma and beta as fit
      for (int c = 0; c < channels; ++c) {
        gamma.push_back(random.real(-200, 200));
        beta.push_back(random.real(-1000, 3000));
        affine.push_back(static_cast<std::int16_t>(std::lround(gamma.back() * unit * std::exp2(shift))));
        affine.push_back(static_cast<std::int16_t>(std::lround(beta.back() * std::exp2(shift - beta_shift))));
        x.push_back(saturate_s16(static_cast<std::int32_t>(std::lround(random.bell(50, 3000)))));
      }
      kernel_table(Isa::scalar)
          .layer_norm->run({x.data(), channels, values.data(), channels, 1, channels, affine.data(), shift, beta_shift,
                            1, 255, true});
      double mean = 0, variance = 0;
      for (const std::int16_t value : x) mean += value / static_cast<double>(channels);
      for (const std::int16_t value : x) variance += (value - mean) * (value - mean) / channels;
      for (std::size_t c = 0; c < x.size(); ++c) {
        const double real = gamma[c] * (x[c] - mean) / std::sqrt(variance) + beta[c];
        worst = std::max(worst, std::fabs(values[c] - real));
      }
    }
    MESSAGE("layer_norm: C " << channels << ", 200 steps a sigma: at most " << worst << " from the formula");
    CHECK(worst < 1.5);
  }
}

// Small rows, where W has few bits.
TEST_CASE("layer_norm: narrow rows with tiny sigma") {
  Random random(78);
  for (const int channels : {16, 32, 64, 96}) {
    double worst = 0;
    for (int i = 0; i < 400; ++i) {
      const Layer layer(channels, 2, 25, random);
      std::vector<std::int16_t> x;
      for (int c = 0; c < channels; ++c) x.push_back(static_cast<std::int16_t>(std::lround(random.bell(100, 3))));
      worst = std::max(worst, worst_error(x, layer, 1e-6));
    }
    MESSAGE("layer_norm: C " << channels << ", sigma 3: at most " << worst << " code from the formula");
    CHECK(worst < 0.6);
  }
}

// The norm of a head: gain * x / sqrt(mean(x^2)), whatever the mean; added to a stream, saturating.
TEST_CASE("layer_norm: rows that are not centred are divided by their root mean square") {
  Random random(81);
  for (const int channels : {8, 32, 64, 192}) {
    double worst = 0;
    const double unit = std::sqrt(channels) * std::exp2(-13.5);
    for (int i = 0; i < 200; ++i) {
      const double mean = random.real(-3000, 3000);
      std::vector<std::int16_t> x, affine, values(static_cast<std::size_t>(channels));
      for (int c = 0; c < channels; ++c) {
        x.push_back(static_cast<std::int16_t>(std::lround(random.bell(mean, 1000))));
        affine.push_back(static_cast<std::int16_t>(std::lround(100 * unit * std::exp2(15))));
        affine.push_back(0);
        values[static_cast<std::size_t>(c)] = static_cast<std::int16_t>(i % 2 == 0 ? 500 : 32767);
      }
      const std::vector<std::int16_t> before = values;
      kernel_table(Isa::scalar)
          .layer_norm->run({x.data(), channels, values.data(), channels, 1, channels, affine.data(), 15, 0, 1, 255,
                            true, false, true});
      double square = 0;
      for (const std::int16_t value : x) square += value * static_cast<double>(value) / channels;
      for (std::size_t c = 0; c < x.size(); ++c) {
        const double real = std::min(before[c] + 100 * x[c] / std::sqrt(square), 32767.0);
        worst = std::max(worst, std::fabs(values[c] - real));
      }
    }
    CHECK_MESSAGE(worst < 1, "C " << channels << ": " << worst << " from the formula");
  }
}

TEST_CASE("layer_norm: a constant row gives beta") {
  Random random(79);
  for (const int channels : {1, 7, 192, 768}) {
    const Layer layer(channels, 2, 25, random);
    for (const int value : {0, 1, -1, 12345, 32767, -32768}) {
      const std::vector<std::int16_t> x(static_cast<std::size_t>(channels), static_cast<std::int16_t>(value));
      CHECK(worst_error(x, layer, 1e-6) < 0.5 + 0.02);  // beta's own rounding: half of 2^(beta_shift - shift)
    }
  }
}

TEST_CASE("inverse_sqrt: relative error below 2^-14") {
  double worst = 0;
  for (std::uint32_t x = 1u << 27; x < 1u << 29; x += 4099) {
    const double exact = std::exp2(28.5) / std::sqrt(static_cast<double>(x));
    worst = std::max(worst, std::fabs(inverse_sqrt(x) / exact - 1));
  }
  MESSAGE("inverse_sqrt: relative error at most 2^" << std::log2(worst));
  CHECK(worst < std::exp2(-14));
  CHECK(inverse_sqrt(1u << 27) == 32767);
}

}  // namespace
}  // namespace intvit::test
