// The law of attention against softmax(q k^T) v in double.
#include "kernels/attention/attention_law.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "kernels/softmax/softmax_law.h"
#include "tests/kernels/test_data.h"
#include "tests/one_of.h"

namespace intvit::test {
namespace {

using namespace intvit::kernels;

TEST_CASE("row_requantizer: the multiplier is the ratio to its last bit, for every divisor") {
  Random random(4);
  for (const int bits : {kCodeMultiplierBits, kValueMultiplierBits}) {
    double worst = 0;
    for (int i = 0; i < 50000; ++i) {
      AttentionHead head{};
      head.ratio = static_cast<std::uint32_t>(random.integer(1u << 30, INT32_MAX));
      head.ratio_shift = static_cast<std::int32_t>(random.integer(27, 33));
      const auto divisor = static_cast<std::uint32_t>(random.integer(255, i % 2 == 0 ? 255 * 600 : 8421504));
      const RowRequantizer row = row_requantizer(head, {divisor, divisor}, bits);
      REQUIRE(row.multiplier >= 1 << (bits - 1));
      REQUIRE(row.multiplier <= std::min(1 << bits, 32767));
      const double exact = head.ratio * std::ldexp(1.0, -head.ratio_shift) / divisor;
      worst = std::max(worst, std::fabs(row.multiplier * std::ldexp(1.0, -15 - row.shift) / exact - 1));
    }
    MESSAGE("row_requantizer: multipliers of " << bits << " bits, relative error at most 2^" << std::log2(worst));
    CHECK(worst < std::exp2(0.01 - bits));
  }
}

TEST_CASE("row_requantizer: factors near 1 and beyond, and divisors that no table has") {
  for (const int bits : {kCodeMultiplierBits, kValueMultiplierBits}) {
    for (std::int32_t ratio_shift = kMinRatioShift; ratio_shift <= kMaxRatioShift; ++ratio_shift) {
      for (const std::uint32_t divisor : {1u, 2u, 15u, 255u, 4095u, (1u << 23) - 1, UINT32_MAX}) {
        AttentionHead head{};
        head.ratio = 1500000000;
        head.ratio_shift = ratio_shift;
        const RowRequantizer row = row_requantizer(head, {UINT32_MAX, divisor}, bits);
        const double exact = std::min(head.ratio * std::ldexp(1.0, -ratio_shift) / divisor, 32767 / 32768.0);
        REQUIRE(row.multiplier > 0);
        REQUIRE(row.shift >= 0);
        REQUIRE(row.shift <= 31);
        if (row.shift < 31) {
          CHECK(std::fabs(row.multiplier * std::ldexp(1.0, -15 - row.shift) / exact - 1) < std::exp2(0.01 - bits));
        }
      }
    }
  }
}

struct AttentionErrors {
  double formula = 0;      // distance from softmax(q k) v
  double after_codes = 0;  // from the formula with the integer softmax codes: what the arithmetic after them adds
  double mean_square = 0;  // of the first
};

// Heads of random codes whose scores spread over `spread` bits. The output quantizer is up to twice as fine as that of
// v.
AttentionErrors worst_errors(double spread, Random& random) {
  AttentionErrors errors;
  double count = 0;
  for (int i = 0; i < 30 / kOneOf; ++i) {
    const int tokens = i % 3 == 0 ? 197 : static_cast<int>(random.integer(5, 100));
    const int head_dim = i % 2 == 0 ? 64 : 32;
    const auto t = static_cast<std::size_t>(tokens), d = static_cast<std::size_t>(head_dim);
    std::vector<std::uint8_t> qkv(t * 3 * d);
    for (std::uint8_t& code : qkv) code = saturate_u8(static_cast<std::int32_t>(std::lround(random.bell(128, 42))));
    const double t_per_unit = spread / (std::sqrt(head_dim) * 42 * 42);
    const double wanted = t_per_unit * std::exp2(16 + kSoftmaxFractionBits);
    const int shift = static_cast<int>(std::floor(std::log2(wanted))) - 15;
    AttentionHead head{};
    head.q_zero = static_cast<std::int32_t>(random.integer(100, 150));
    head.v_zero = static_cast<std::int32_t>(random.integer(100, 150));
    head.out_zero = static_cast<std::int32_t>(random.integer(110, 140));
    head.softmax = {std::max(shift, 0), std::max(-shift, 0),
                    static_cast<std::uint16_t>(std::min(65535l, std::lround(wanted * std::exp2(-shift))))};
    const double gain = random.real(1, 2);
    head.ratio_shift = 30;
    head.ratio = static_cast<std::uint32_t>(gain * std::exp2(head.ratio_shift));
    const std::uint8_t *q = qkv.data(), *k = q + d, *v = k + d;
    std::vector<std::uint8_t> dst(t * d);
    GuardedBuffer<std::uint8_t> scratch(attention_scratch_bytes(tokens, head_dim));
    AttentionArgs args{};
    args.q = q;
    args.k = k;
    args.v = v;
    args.q_stride = args.k_stride = args.v_stride = static_cast<std::ptrdiff_t>(3 * d);
    args.dst = dst.data();
    args.dst_stride = head_dim;
    args.tokens = tokens;
    args.head_dim = head_dim;
    args.query_end = tokens;
    args.head = head;
    args.max_code = 255;
    args.scratch = scratch.data();
    kernel_table(Isa::scalar).attention->run(args);
    for (std::size_t row = 0; row < t; ++row) {
      std::vector<std::int32_t> scores(t);
      for (std::size_t j = 0; j < t; ++j) {
        for (std::size_t c = 0; c < d; ++c) scores[j] += (q[row * 3 * d + c] - head.q_zero) * (k[j * 3 * d + c] - 128);
      }
      const std::int32_t max = *std::max_element(scores.begin(), scores.end());
      std::vector<double> weights(t), codes(t);
      double sum = 0, sum_of_codes = 0;
      for (std::size_t j = 0; j < t; ++j) {
        weights[j] = std::exp2((static_cast<double>(scores[j]) - max) * t_per_unit);
        codes[j] = softmax_code(max, scores[j], head.softmax);
        sum += weights[j];
        sum_of_codes += codes[j];
      }
      for (std::size_t c = 0; c < d; ++c) {
        double exact = 0, with_codes = 0;
        for (std::size_t j = 0; j < t; ++j) {
          const double value = v[j * 3 * d + c] - head.v_zero;
          exact += weights[j] / sum * value;
          with_codes += codes[j] / sum_of_codes * value;
        }
        const auto distance = [&](double real) {
          return std::fabs(dst[row * d + c] - std::clamp(real * gain + head.out_zero, 0.0, 255.0));
        };
        errors.formula = std::max(errors.formula, distance(exact));
        errors.after_codes = std::max(errors.after_codes, distance(with_codes));
        errors.mean_square += distance(exact) * distance(exact);
        count += 1;
      }
    }
  }
  errors.mean_square /= count;
  return errors;
}

// Rounding to codes alone is 0.5 code at worst and 0.289 in the root mean square.
TEST_CASE("attention: within 1.1 codes of the formula") {
  Random random(6);
  for (const double spread : {0.3, 1.0, 2.0, 3.0, 4.0}) {
    const AttentionErrors errors = worst_errors(spread, random);
    MESSAGE("attention: scores spread over " << spread << " bits: at most " << errors.formula
                                             << " code from softmax(q k) v, " << std::sqrt(errors.mean_square)
                                             << " in the root mean square; " << errors.after_codes
                                             << " after the softmax codes");
    // Sharper rows meet the limit of eight-bit probabilities (softmax_test.cc): rarely, but by some codes.
    if (spread <= 1) CHECK(errors.formula < 1.1);
    CHECK(std::sqrt(errors.mean_square) < 0.65);
    CHECK(errors.after_codes < 0.6);
  }
}

}  // namespace
}  // namespace intvit::test
