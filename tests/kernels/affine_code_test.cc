// affine_code_for_range against the quantizer that it stands for, in double; nearest_group against its definition.
#include "kernels/encode/encode_law.h"

#include <doctest/doctest.h>

#include <cmath>
#include <vector>

#include "kernels/arithmetic/arithmetic.h"
#include "tests/kernels/test_data.h"

namespace intvit::test {
namespace {

using namespace intvit::kernels;

struct Errors {
  double multiplier = 0;  // relative, of 1 / s
  double value = 0;       // in steps of the grid
  double border = 0;      // of x whose code is not the nearest, the largest distance from the border of two codes,
                          // relative to what encode_law.h promises
};

// Every x of the range, or some of them.
void measure(int lowest, int highest, int max_code, int step_shift, int fine_bits, int stride, Errors& errors) {
  const AffineCode code = affine_code_for_range(lowest, highest, max_code, step_shift, fine_bits);
  const double range = std::max(highest - lowest, 2 * max_code);
  const double s = range / max_code;
  REQUIRE(code.multiplier >= 1 << 14);
  REQUIRE(code.power >= 1);
  REQUIRE(code.power <= 1 << 14);
  REQUIRE((code.power & (code.power - 1)) == 0);
  REQUIRE(code.zero == static_cast<int>(std::floor(-lowest * max_code / range + 0.5)));
  REQUIRE(code.zero <= max_code);
  errors.multiplier = std::max(errors.multiplier, std::fabs(code.multiplier * code.power * std::exp2(-30) * s - 1));
  const bool saturated = s / std::exp2(fine_bits) > std::exp2(step_shift);
  for (int x = lowest; x <= highest; x += stride) {
    const int number = multiply_q15(multiply_q15(static_cast<std::int16_t>(x), code.multiplier), code.power);
    const double exact = x * max_code / range;  // one rounding: ties are ties
    if (number != std::floor(exact + 0.5)) {
      const double distance = std::fabs(exact - (number + (exact > number ? 0.5 : -0.5))) * s;
      errors.border = std::max(errors.border, distance / (1 + std::abs(x) * std::exp2(-15)));
    }
    const int shown = std::clamp(number + code.zero, 0, max_code) - code.zero;
    const int value = multiply_q15(static_cast<std::int16_t>(shown * (1 << step_shift)), code.step);
    if (!saturated) errors.value = std::max(errors.value, std::fabs(value - shown * s / std::exp2(fine_bits)));
  }
}

TEST_CASE("affine_code_for_range: as exact as it says") {
  Random random(1);
  Errors errors;
  for (int max_code = 1; max_code <= 255; max_code += max_code < 20 ? 1 : 47) {
    for (int step_shift = 0; step_shift <= 14 && max_code << step_shift <= 32767; ++step_shift) {
      for (int fine_bits = 1; fine_bits <= 12; ++fine_bits) {
        for (int i = 0; i < 12; ++i) {
          const std::int64_t limit = std::int64_t{1} << random.integer(0, 15);
          const auto lowest = static_cast<int>(-random.integer(0, limit));
          const auto highest = static_cast<int>(random.integer(0, limit - 1));
          measure(lowest, highest, max_code, step_shift, fine_bits, static_cast<int>(limit / 200) + 1, errors);
        }
      }
    }
  }
  // Extremes, and every x.
  for (const int max_code : {1, 2, 3, 15, 16, 127, 128, 255}) {
    for (const int lowest : {0, -1, -255, -510, -32767, -32768}) {
      for (const int highest : {0, 1, 255, 509, 511, 32767}) measure(lowest, highest, max_code, 7, 5, 1, errors);
    }
  }
  MESSAGE("affine_code_for_range: 1/s within 2^" << std::log2(errors.multiplier) << ", values within " << errors.value
                                                 << " steps, codes differ within " << errors.border
                                                 << " of the promised distance from a border");
  CHECK(errors.multiplier <= std::exp2(-15));
  CHECK(errors.value <= 1);
  CHECK(errors.border <= 1);
  CHECK(errors.border > 0);  // the sweep has met borders at all
}

TEST_CASE("affine_code_for_range: 0 is always in the range") {
  for (const int max_code : {1, 15, 255}) {
    for (int x = -32768; x <= 32767; x += 17) {
      const AffineCode one_sided = affine_code_for_range(x, x, max_code, 4, 5);
      const AffineCode with_zero = affine_code_for_range(std::min(x, 0), std::max(x, 0), max_code, 4, 5);
      CHECK(one_sided.multiplier == with_zero.multiplier);
      CHECK(one_sided.power == with_zero.power);
      CHECK(one_sided.zero == with_zero.zero);
      CHECK(one_sided.step == with_zero.step);
      // One code is enough for 0 itself.
      CHECK(with_zero.zero >= 0);
      CHECK(with_zero.zero <= max_code);
    }
  }
}

TEST_CASE("nearest_group: the nearest, the first of equals") {
  Random random(2);
  for (int i = 0; i < 20000; ++i) {
    const int groups = static_cast<int>(random.integer(1, 12));
    const int limit = i % 2 == 0 ? 3 : 32767;  // small numbers for ties
    std::vector<std::int16_t> lowest, highest;
    for (int g = 0; g < groups; ++g) {
      lowest.push_back(static_cast<std::int16_t>(random.integer(-limit - 1, limit)));
      highest.push_back(static_cast<std::int16_t>(random.integer(-limit - 1, limit)));
    }
    const auto low = static_cast<int>(random.integer(-limit - 1, limit));
    const auto high = static_cast<int>(random.integer(-limit - 1, limit));
    const auto distance = [&](int g) {
      const auto at = static_cast<std::size_t>(g);
      return std::pow(low - lowest[at], 2) + std::pow(high - highest[at], 2);
    };
    const int nearest = nearest_group(low, high, lowest.data(), highest.data(), groups);
    for (int g = 0; g < groups; ++g) {
      CHECK((g < nearest ? distance(g) > distance(nearest) : distance(g) >= distance(nearest)));
    }
  }
  const std::int16_t ends[] = {-32768, 32767};
  constexpr std::int32_t kLeast = std::numeric_limits<std::int32_t>::min();
  constexpr std::int32_t kMost = std::numeric_limits<std::int32_t>::max();
  CHECK(nearest_group(kLeast, kLeast, ends, ends, 2) == 0);
  CHECK(nearest_group(kMost, kMost, ends, ends, 2) == 1);
}

}  // namespace
}  // namespace intvit::test
