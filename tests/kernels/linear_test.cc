// linear: every instruction set against the scalar law, and the law against plain arithmetic.
#include "kernels/gemm/linear.h"

#include <doctest/doctest.h>

#include <cmath>
#include <memory>
#include <vector>

#include "tests/kernels/test_data.h"

namespace intvit::test {
namespace {

using namespace intvit::kernels;

struct Shape {
  int rows, n, k, bits;
};

struct Patterns {
  Pattern codes = Pattern::random;
  Pattern weights = Pattern::random;
  Pattern zero_points = Pattern::random;
};

constexpr std::array<Epilogue, 5> kEpilogues = {Epilogue::codes, Epilogue::activation, Epilogue::residual,
                                                Epilogue::logits, Epilogue::accumulators};

// Everything that one call needs; all inputs end at an unmapped page.
class LinearCase {
 public:
  LinearCase(const Shape& shape, const Patterns& patterns, std::uint64_t seed)
      : shape_(shape),
        columns_(static_cast<std::size_t>(padded_columns(shape.n))),
        src_stride_(shape.k + (seed % 3 == 0 ? 0 : static_cast<int>(seed % 37))),
        src_(static_cast<std::size_t>(shape.rows - 1) * static_cast<std::size_t>(src_stride_) +
             static_cast<std::size_t>(shape.k)),
        tiles_(tile_bytes(shape.n, shape.k, shape.bits)),
        zero_points_(columns_),
        bias_(columns_),
        shift_(columns_),
        multiplier_(columns_),
        logit_multiplier_(columns_),
        logit_shift_(columns_),
        residual_(static_cast<std::size_t>(shape.rows) * columns_),
        table_(2 * kActivationSegments) {
    Random random(seed);
    fill(src_.data(),
         static_cast<std::size_t>(shape.rows - 1) * static_cast<std::size_t>(src_stride_) +
             static_cast<std::size_t>(shape.k),
         patterns.codes, random);
    const std::size_t bytes = tile_bytes(shape.n, shape.k, shape.bits);
    if (shape.bits == 8) {
      fill(reinterpret_cast<std::int8_t*>(tiles_.data()), bytes, patterns.weights, random);
    } else {
      fill(tiles_.data(), bytes, patterns.weights, random);  // two nibbles: 0x00 and 0xff are the extremes
    }
    fill(zero_points_.data(), columns_, patterns.zero_points, random, 0, 15);
    for (std::size_t c = 0; c < columns_; ++c) {
      bias_[c] = static_cast<std::int32_t>(std::clamp<std::int64_t>(random.any_magnitude(31), INT32_MIN, INT32_MAX));
      shift_[c] = static_cast<std::uint8_t>(random.chance(60) ? random.integer(4, 14) : random.integer(0, 31));
      multiplier_[c] = static_cast<std::int16_t>(random.chance(70)   ? random.integer(2048, 4096)
                                                 : random.chance(70) ? random.integer(0, 32767)
                                                 : random.chance(50) ? 0
                                                                     : 32767);
      logit_multiplier_[c] = static_cast<std::int32_t>(random.chance(10) ? INT32_MAX : random.integer(0, INT32_MAX));
      logit_shift_[c] = static_cast<std::uint8_t>(random.integer(1, 62));
    }
    for (std::size_t i = 0; i < static_cast<std::size_t>(shape.rows) * columns_; ++i) {
      residual_[i] = static_cast<std::int16_t>(random.chance(20) ? random.chance(50) ? 32767 : -32768
                                                                 : random.integer(-32768, 32767));
    }
    fill(table_.data(), 2 * kActivationSegments, Pattern::random, random);
    activation_ = {table_.data(), table_.data() + kActivationSegments, static_cast<int>(random.integer(0, 9)),
                   static_cast<std::int16_t>(random.integer(0, 32767)),
                   static_cast<std::int16_t>(random.integer(0, 255))};
  }

  std::size_t dst_elements(std::size_t stride) const {
    return static_cast<std::size_t>(shape_.rows - 1) * stride + columns_;
  }

  // dst must have dst_elements(stride); in place: the residual is copied into dst first.
  void run(const LinearKernels& kernels, Epilogue epilogue, void* dst, std::size_t stride, bool in_place) {
    GuardedBuffer<std::uint8_t> scratch(linear_scratch_bytes(shape_.k));
    LinearArgs args{};
    args.src = src_.data();
    args.src_stride = src_stride_;
    args.rows = shape_.rows;
    args.weights = {tiles_.data(), shape_.bits == 4 ? zero_points_.data() : nullptr, shape_.bits, shape_.n, shape_.k};
    args.requantizer = {bias_.data(), shift_.data(), multiplier_.data()};
    args.epilogue = epilogue;
    args.dst = dst;
    args.dst_stride = static_cast<std::ptrdiff_t>(stride);
    args.residual = residual_.data();
    args.residual_stride = static_cast<std::ptrdiff_t>(columns_);
    if (epilogue == Epilogue::residual && in_place) {
      auto* rows = static_cast<std::int16_t*>(dst);
      for (std::size_t r = 0; r < static_cast<std::size_t>(shape_.rows); ++r) {
        std::copy_n(residual_.data() + r * columns_, columns_, rows + r * stride);
      }
      args.residual = rows;
      args.residual_stride = args.dst_stride;
    }
    args.activation = activation_;
    args.logit_multiplier = logit_multiplier_.data();
    args.logit_shift = logit_shift_.data();
    args.scratch = scratch.data();
    kernels.run(args);
    CHECK(scratch.guards_intact());
  }

  template <typename T>
  void compare(const std::vector<Isa>& isas, Epilogue epilogue, std::uint64_t seed) {
    const std::size_t stride = columns_ + (seed % 2 == 0 ? 0 : 16 + seed % 5);
    const bool in_place = seed % 2 == 0;
    GuardedBuffer<T> expected(dst_elements(stride), seed % 13);
    run(*kernel_table(Isa::scalar).linear, epilogue, expected.data(), stride, in_place);
    REQUIRE(expected.guards_intact());
    for (const Isa isa : isas) {
      GuardedBuffer<T> actual(dst_elements(stride), seed % 31);
      run(*kernel_table(isa).linear, epilogue, actual.data(), stride, in_place);
      const std::ptrdiff_t at = first_difference(expected, actual);
      const std::string message = describe(isa) + ": rows " + std::to_string(shape_.rows) + ", n " +
                                  std::to_string(shape_.n) + ", k " + std::to_string(shape_.k) + ", bits " +
                                  std::to_string(shape_.bits) + ", epilogue " +
                                  std::to_string(static_cast<int>(epilogue)) + ", element " + std::to_string(at);
      CHECK_MESSAGE(at < 0, message);
      CHECK_MESSAGE(actual.guards_intact(), message);
    }
  }

  void compare(const std::vector<Isa>& isas, Epilogue epilogue, std::uint64_t seed) {
    switch (epilogue) {
      case Epilogue::codes:
      case Epilogue::activation:
        return compare<std::uint8_t>(isas, epilogue, seed);
      case Epilogue::residual:
        return compare<std::int16_t>(isas, epilogue, seed);
      case Epilogue::logits:
      case Epilogue::accumulators:
        return compare<std::int32_t>(isas, epilogue, seed);
    }
  }

 private:
  Shape shape_;
  std::size_t columns_;
  int src_stride_;
  FencedBuffer<std::uint8_t> src_, tiles_, zero_points_;
  FencedBuffer<std::int32_t> bias_;
  FencedBuffer<std::uint8_t> shift_;
  FencedBuffer<std::int16_t> multiplier_;
  FencedBuffer<std::int32_t> logit_multiplier_;
  FencedBuffer<std::uint8_t> logit_shift_;
  FencedBuffer<std::int16_t> residual_, table_;
  GatedActivation activation_{};
};

void compare_all_epilogues(const std::vector<Isa>& isas, const Shape& shape, const Patterns& patterns,
                           std::uint64_t seed) {
  LinearCase linear(shape, patterns, seed);
  for (const Epilogue epilogue : kEpilogues) linear.compare(isas, epilogue, seed);
}

TEST_CASE("linear: every number of rows") {
  const std::vector<Isa> isas = vector_isas();
  std::uint64_t seed = 1;
  for (const int bits : {8, 4}) {
    for (int rows = 1; rows <= 26; ++rows) compare_all_epilogues(isas, {rows, 49, 128, bits}, {}, seed++);
    for (const int rows : {47, 48, 49, 53, 97, 101}) compare_all_epilogues(isas, {rows, 33, 64, bits}, {}, seed++);
  }
}

TEST_CASE("linear: every number of columns") {
  const std::vector<Isa> isas = vector_isas();
  std::uint64_t seed = 100;
  for (const int bits : {8, 4}) {
    for (int n = 1; n <= 70; ++n) compare_all_epilogues(isas, {1 + n % 14, n, 64 + n % 3 * 64, bits}, {}, seed++);
    compare_all_epilogues(isas, {13, 1000, 192, bits}, {}, seed++);
  }
}

TEST_CASE("linear: depths") {
  const std::vector<Isa> isas = vector_isas();
  std::uint64_t seed = 300;
  for (const int bits : {8, 4}) {
    for (const int k : {64, 128, 192, 256, 320, 768, 3072}) compare_all_epilogues(isas, {14, 20, k, bits}, {}, seed++);
    // The deepest that the reader accepts: sums come within 0.5 % of 2^31.
    compare_all_epilogues(isas, {2, 16, max_depth(bits), bits}, {Pattern::all_max, Pattern::all_min, Pattern::all_max},
                          seed++);
    compare_all_epilogues(isas, {2, 16, max_depth(bits), bits}, {Pattern::all_max, Pattern::all_max, Pattern::all_min},
                          seed++);
  }
}

// vpmaddubsw would saturate here: 255 * 127 + 255 * 127 > 32767.
TEST_CASE("linear: extreme codes, weights and zero points") {
  const std::vector<Isa> isas = vector_isas();
  std::uint64_t seed = 400;
  for (const int bits : {8, 4}) {
    for (const Pattern codes : kPatterns) {
      for (const Pattern weights : kPatterns) {
        for (const Pattern zero_points : kPatterns) {
          if (bits == 8 && zero_points != Pattern::random) continue;
          compare_all_epilogues(isas, {15, 50, 192, bits}, {codes, weights, zero_points}, seed++);
        }
      }
    }
  }
}

TEST_CASE("linear: the scalar law is a matrix product") {
  Random random(7);
  for (const int bits : {8, 4}) {
    const int rows = 3, n = 21, k = 64;
    std::vector<std::uint8_t> src(static_cast<std::size_t>(rows) * k), tiles(tile_bytes(n, k, bits)), zero_points(32);
    std::vector<int> weights(static_cast<std::size_t>(n) * k);
    fill(src.data(), src.size(), Pattern::random, random);
    fill(zero_points.data(), zero_points.size(), Pattern::random, random, 0, 15);
    for (int c = 0; c < n; ++c) {
      for (int i = 0; i < k; ++i) {
        int& weight = weights[static_cast<std::size_t>(c * k + i)];
        if (bits == 8) {
          weight = static_cast<int>(random.integer(-128, 127));
          tiles[tile_offset(c, i, k)] = static_cast<std::uint8_t>(weight);
        } else {
          const int nibble = static_cast<int>(random.integer(0, 15));
          const NibblePosition at = nibble_position(c, i, k);
          tiles[at.byte] = static_cast<std::uint8_t>(tiles[at.byte] | (at.high ? nibble << 4 : nibble));
          weight = 16 * (nibble - zero_points[static_cast<std::size_t>(c)]);
        }
      }
    }
    std::vector<std::int32_t> dst(static_cast<std::size_t>(rows) * 32);
    LinearArgs args{};
    args.src = src.data();
    args.src_stride = k;
    args.rows = rows;
    args.weights = {tiles.data(), zero_points.data(), bits, n, k};
    args.epilogue = Epilogue::accumulators;
    args.dst = dst.data();
    args.dst_stride = 32;
    kernel_table(Isa::scalar).linear->run(args);
    for (int r = 0; r < rows; ++r) {
      for (int c = 0; c < n; ++c) {
        std::int32_t sum = 0;
        for (int i = 0; i < k; ++i)
          sum += src[static_cast<std::size_t>(r * k + i)] * weights[static_cast<std::size_t>(c * k + i)];
        CHECK(dst[static_cast<std::size_t>(r * 32 + c)] == sum);
      }
    }
  }
}

// Two roundings: the shift keeps 3 to 4 more bits than the code shows, so it adds at most multiplier / 2^16 <= 1/16.
TEST_CASE("requantize: within 0.6 code of real arithmetic") {
  Random random(11);
  double worst = 0;
  for (int i = 0; i < 400000; ++i) {
    const auto multiplier = static_cast<std::int16_t>(random.integer(2048, 4095));
    const int shift = static_cast<int>(random.integer(0, 16));
    const double scale = multiplier * std::ldexp(1.0, -15 - shift);
    const double zero_point = static_cast<double>(random.integer(0, 255));
    // Sums whose codes lie within [-500, 755]: codes that a consumer can see and the saturated ones around them.
    const double wanted = random.real(-500, 755);
    const auto sum = static_cast<std::int32_t>((wanted - zero_point) / scale);
    const int rounding = shift == 0 ? 0 : 1 << (shift - 1);
    const auto bias_units = static_cast<std::int32_t>(std::lround(zero_point / scale));
    const std::int16_t code = requantize(sum, bias_units + rounding, shift, multiplier);
    const double real = (static_cast<double>(sum) + bias_units) * scale;
    worst = std::max(worst, std::fabs(code - real));
  }
  MESSAGE("requantize: at most " << worst << " code from real arithmetic");
  CHECK(worst < 0.6);
}

TEST_CASE("requantize: saturates and never wraps for valid biases") {
  CHECK(requantize(INT32_MAX, 0, 0, 32767) == 32766);  // round(32767 * 32767 / 32768)
  CHECK(requantize(INT32_MIN, 0, 0, 32767) == -32767);
  CHECK(requantize(INT32_MIN, 0, 31, 32767) == -1);
  CHECK(requantize(12345, -12345, 0, 32767) == 0);
  CHECK(requantize(1000, 0, 0, 0) == 0);
}

// The logits keep 32 bits: one rounding.
TEST_CASE("scale_logit: one rounding of the exact product, saturated") {
  Random random(12);
  for (int i = 0; i < 100000; ++i) {
    const auto sum = static_cast<std::int32_t>(random.integer(-(1 << 29), 1 << 29));
    const auto bias = static_cast<std::int32_t>(random.integer(-(1 << 29), 1 << 29));
    const auto multiplier = static_cast<std::int32_t>(random.integer(0, INT32_MAX));
    const int shift = static_cast<int>(random.integer(1, 62));
    const std::int64_t twice = (std::int64_t{sum} + bias) * multiplier * 2;  // at most 2^62
    const std::int64_t rounded = ((twice >> shift) + 1) >> 1;
    const std::int64_t expected = std::clamp<std::int64_t>(rounded, INT32_MIN, INT32_MAX);
    REQUIRE(scale_logit(sum, bias, multiplier, shift) == expected);
  }
}

}  // namespace
}  // namespace intvit::test
