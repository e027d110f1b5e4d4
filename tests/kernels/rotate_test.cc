// rotate: the law against its definition in doubles, and every instruction set's variant against the law.
#include "kernels/rotate/rotate.h"

#include <doctest/doctest.h>

#include <cmath>
#include <vector>

#include "kernels/rotate/rotate_law.h"
#include "tests/kernels/test_data.h"

namespace intvit::test {
namespace {

using kernels::RotateArgs;

// Angles of any numbers and codes anywhere within their limits or at them.
class RotateCase {
 public:
  RotateCase(int rows, int heads, int half, Pattern pattern, std::uint64_t seed)
      : random_(seed),
        columns_(static_cast<std::size_t>(2 * heads * half)),
        stride_(columns_ + seed % 5),
        values_(static_cast<std::size_t>(rows - 1) * stride_ + columns_),
        angles_(static_cast<std::size_t>(rows * 2 * half)),
        misalignment_(seed % 9) {
    fill(values_.data(), static_cast<std::size_t>(rows - 1) * stride_ + columns_, pattern, random_);
    fill(angles_.data(), angles_count(rows, half), seed % 4 == 0 ? pattern : Pattern::random, random_, -32767, 32767);
    for (int h = 0; h < heads; ++h) {
      const int shift = static_cast<int>(within(0, 14));
      const bool plain = random_.chance(60);
      codes_.push_back(plain ? static_cast<std::int32_t>(random_.integer(0, 255)) << shift
                             : static_cast<std::int32_t>(within(-(1 << 30), 1 << 30)));
      codes_.push_back(plain ? shift : static_cast<std::int32_t>(within(0, 31)));
    }
    args_.src = values_.data();
    args_.src_stride = static_cast<std::ptrdiff_t>(stride_);
    args_.dst_stride = static_cast<std::ptrdiff_t>(columns_ + seed % 3);
    args_.rows = rows;
    args_.heads = heads;
    args_.head_dim = 2 * half;
    args_.angles = seed % 11 == 0 ? nullptr : angles_.data();
    args_.codes = codes_.data();
    args_.max_code = static_cast<int>(within(1, 255));
  }

  void check(Isa isa) {
    const auto size = static_cast<std::size_t>(args_.rows * args_.dst_stride);
    GuardedBuffer<std::uint8_t> expected(size, misalignment_), actual(size, misalignment_);
    args_.dst = expected.data();
    kernels::rotate_by_law(args_);
    args_.dst = actual.data();
    kernels::kernel_table(isa).rotate->run(args_);
    CHECK_MESSAGE(first_difference(expected, actual) < 0,
                  describe(isa) << ": " << args_.rows << " rows, " << args_.heads << " heads of " << args_.head_dim);
    CHECK(actual.guards_intact());
  }

 private:
  static std::size_t angles_count(int rows, int half) { return static_cast<std::size_t>(rows * 2 * half); }
  // A fifth of the time one of the two limits.
  std::int64_t within(std::int64_t low, std::int64_t high) {
    if (random_.chance(20)) return random_.chance(50) ? low : high;
    return random_.integer(low, high);
  }

  Random random_;
  std::size_t columns_, stride_;
  FencedBuffer<std::int16_t> values_, angles_;
  std::vector<std::int32_t> codes_;
  std::size_t misalignment_;
  RotateArgs args_{};
};

TEST_CASE("rotate: every instruction set gives the bits of the law") {
  std::uint64_t seed = 1;
  for (const Isa isa : all_isas()) {
    for (const Pattern pattern : kPatterns) {
      for (int half = 1; half <= 100; ++half) {
        RotateCase one(1 + half % 4, 1 + half % 3, half, pattern, seed++);
        one.check(isa);
      }
      RotateCase large(50, 12, 32, pattern, seed++);
      large.check(isa);
    }
  }
}

// Angles as the converter makes them: 1 is 32767. 32 values a code: half a code of rounding, and a little of the angle.
TEST_CASE("rotate: codes are the turned pairs, rounded") {
  Random random(5);
  double worst = 0;
  for (int i = 0; i < 20000; ++i) {
    const double angle = random.real(-4, 4), length = random.real(0, 4000), at = random.real(-4, 4);
    const std::int16_t x[2] = {static_cast<std::int16_t>(std::lround(length * std::cos(at))),
                               static_cast<std::int16_t>(std::lround(length * std::sin(at)))};
    const std::int16_t angles[2] = {static_cast<std::int16_t>(std::lround(32767 * std::cos(angle))),
                                    static_cast<std::int16_t>(std::lround(32767 * std::sin(angle)))};
    const std::int32_t codes[2] = {(128 << 5) + 16, 5};
    std::uint8_t y[2];
    kernels::rotate_by_law({x, 2, y, 2, 1, 1, 2, angles, codes, 255});
    for (const bool second : {false, true}) {
      const double real =
          second ? x[0] * std::sin(angle) + x[1] * std::cos(angle) : x[0] * std::cos(angle) - x[1] * std::sin(angle);
      worst = std::max(worst, std::fabs(std::clamp(real / 32 + 128, 0.0, 255.0) - y[second ? 1 : 0]));
    }
  }
  CHECK_MESSAGE(worst < 0.53, worst);
}

// Both terms at their largest: 64 bits and 32 give the same.
TEST_CASE("rotate: no sum leaves 32 bits") {
  for (const std::int16_t a : {std::int16_t{-32768}, std::int16_t{32767}}) {
    for (const std::int16_t angle : {std::int16_t{-32767}, std::int16_t{32767}}) {
      const std::int16_t x[2] = {a, a}, angles[2] = {angle, angle};
      const std::int64_t sum = 2 * (std::int64_t{a} * angle);
      const std::int32_t codes[2] = {1 << 30, 23};
      std::uint8_t y[2];
      kernels::rotate_by_law({x, 2, y, 2, 1, 1, 2, angles, codes, 255});
      CHECK(y[0] == 128);
      CHECK(y[1] == ((((sum + (1 << 14)) >> 15) + (1 << 30)) >> 23));
    }
  }
}

}  // namespace
}  // namespace intvit::test
