// multiply: the law against its definition in exact arithmetic, and every instruction set's variant against the law.
#include "kernels/multiply/multiply.h"

#include <doctest/doctest.h>

#include <vector>

#include "kernels/multiply/multiply_law.h"
#include "tests/kernels/test_data.h"

namespace intvit::test {
namespace {

using kernels::kActivationSegments;
using kernels::MultiplyArgs;

// Tables of any numbers, a quarter of them extreme; the other numbers anywhere within their limits or at them.
class MultiplyCase {
 public:
  MultiplyCase(int rows, int columns, Pattern pattern, std::uint64_t seed)
      : random_(seed),
        table_(2 * kActivationSegments),
        stride_(2 * static_cast<std::size_t>(columns) + seed % 5),
        count_(static_cast<std::size_t>(rows - 1) * stride_ + 2 * static_cast<std::size_t>(columns)),
        values_(count_),
        misalignment_(seed % 9) {
    fill(table_.data(), table_.size(), seed % 4 == 0 ? pattern : Pattern::random, random_);
    fill(values_.data(), count_, pattern, random_);
    args_.src = values_.data();
    args_.src_stride = static_cast<std::ptrdiff_t>(stride_);
    args_.dst_stride = columns + static_cast<std::ptrdiff_t>(seed % 3);
    args_.rows = rows;
    args_.columns = columns;
    args_.activation = {table_.data(), table_.data() + kActivationSegments, static_cast<int>(random_.integer(0, 9)),
                        INT16_MAX, 0};
    args_.bias = static_cast<std::int32_t>(within(-kernels::kLargestMultiplyBias, kernels::kLargestMultiplyBias));
    args_.shift = static_cast<int>(within(0, 31));
    args_.multiplier = static_cast<std::int16_t>(within(0, INT16_MAX));
    args_.max_code = static_cast<int>(within(1, 255));
  }

  const MultiplyArgs& args() const { return args_; }

  template <typename T>
  void check(Isa isa) {
    const auto size = static_cast<std::size_t>(args_.rows * args_.dst_stride);
    args_.values = sizeof(T) == 2;
    GuardedBuffer<T> expected(size, misalignment_), actual(size, misalignment_);
    args_.dst = expected.data();
    kernels::multiply_by_law(args_);
    args_.dst = actual.data();
    kernels::kernel_table(isa).multiply->run(args_);
    CHECK_MESSAGE(first_difference(expected, actual) < 0,
                  describe(isa) << ": " << args_.rows << " x " << args_.columns << " to " << sizeof(T) << " bytes");
    CHECK(actual.guards_intact());
  }

 private:
  // A fifth of the time one of the two limits.
  std::int64_t within(std::int64_t low, std::int64_t high) {
    if (random_.chance(20)) return random_.chance(50) ? low : high;
    return random_.integer(low, high);
  }

  Random random_;
  std::vector<std::int16_t> table_;
  std::size_t stride_, count_;
  FencedBuffer<std::int16_t> values_;
  std::size_t misalignment_;
  MultiplyArgs args_{};
};

// The largest products there are, with the largest biases: 64 bits and 32 give the same.
TEST_CASE("multiply: no sum leaves 32 bits, and values are the rounded products") {
  Random random(3);
  for (int i = 0; i < 20000; ++i) {
    MultiplyCase one(1, 1, Pattern::random, static_cast<std::uint64_t>(i));
    const MultiplyArgs& args = one.args();
    const auto x_of = [&] {
      return static_cast<std::int16_t>(random.chance(50) ? random.integer(0, 1) * 65535 - 32768
                                                         : random.integer(-32768, 32767));
    };
    const std::int16_t gate = x_of(), x = x_of();
    const std::int64_t product = std::int64_t{kernels::activate_value(gate, args.activation)} * x;
    CHECK(std::abs(product) < 1 << 30);
    const std::int64_t sum = product + args.bias;
    CHECK(sum == static_cast<std::int32_t>(sum));
    const std::int64_t shifted = std::clamp<std::int64_t>(sum >> args.shift, -32768, 32767);
    CHECK(kernels::multiply_value(gate, x, args) == (shifted * args.multiplier + (1 << 14)) >> 15);
  }
}

TEST_CASE("multiply: every instruction set gives the bits of the law") {
  std::uint64_t seed = 1;
  for (const Isa isa : vector_isas()) {
    for (const Pattern pattern : kPatterns) {
      for (int columns = 1; columns <= 200; ++columns) {
        MultiplyCase one(1 + columns % 3, columns, pattern, seed++);
        one.check<std::uint8_t>(isa);
        one.check<std::int16_t>(isa);
      }
      MultiplyCase large(5, 4096, pattern, seed++);
      large.check<std::uint8_t>(isa);
      large.check<std::int16_t>(isa);
    }
  }
}

}  // namespace
}  // namespace intvit::test
