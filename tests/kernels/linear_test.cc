// linear: every instruction set against the scalar law. The law itself is tested in linear_law_test.cc.
#include "kernels/gemm/linear.h"

#include <doctest/doctest.h>

#include <memory>
#include <vector>

#include "tests/kernels/test_data.h"
#include "tests/kernels/tested_kernels.h"

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

constexpr std::array<Epilogue, 7> kEpilogues = {
    Epilogue::codes,    Epilogue::activation, Epilogue::values,      Epilogue::activation_values,
    Epilogue::residual, Epilogue::logits,     Epilogue::accumulators};

// Where the bytes of `rows` source rows lie, with one plane or two.
struct SourceLayout {
  std::ptrdiff_t first = 0;         // of the first row's low bytes
  std::ptrdiff_t row_stride = 0;    // between rows
  std::ptrdiff_t plane_stride = 0;  // from low to high bytes
  std::size_t bytes = 0;

  SourceLayout(int rows, int k, int planes, std::uint64_t seed) {
    const std::ptrdiff_t gap = seed % 3 == 0 ? 0 : static_cast<std::ptrdiff_t>(seed % 37);
    const std::ptrdiff_t gaps_and_rows = (rows - 1) * (k + gap);
    row_stride = k + gap;
    bytes = static_cast<std::size_t>(gaps_and_rows + k);
    if (planes == 1) return;
    if (seed % 4 == 1) {  // the high bytes of a row follow its low bytes
      plane_stride = k + gap % 5;
      row_stride += plane_stride;
      bytes = static_cast<std::size_t>((rows - 1) * row_stride + plane_stride + k);
    } else {  // two separate planes; the high one may come first
      plane_stride = gaps_and_rows + k + gap % 7;
      bytes += static_cast<std::size_t>(plane_stride);
      if (seed % 4 == 2) {
        first = plane_stride;
        plane_stride = -plane_stride;
      }
    }
  }
};

// Everything that one call needs; all inputs end at an unmapped page.
class LinearCase {
 public:
  // max_value decides how many planes there are, and the largest value among the high bytes. 8-bit weights are
  // -max_weight to max_weight - 1.
  LinearCase(const Shape& shape, const Patterns& patterns, std::uint64_t seed, int max_value = 255,
             int max_weight = 128)
      : shape_(shape),
        columns_(static_cast<std::size_t>(padded_columns(shape.n))),
        layout_(shape.rows, shape.k, max_value > 255 ? 2 : 1, seed),
        src_(layout_.bytes),
        tiles_(columns_ * static_cast<std::size_t>(shape.k * shape.bits / 8)),
        zero_points_(columns_),
        bias_(columns_),
        shift_(columns_),
        multiplier_(columns_),
        logit_multiplier_(columns_),
        logit_shift_(columns_),
        residual_(static_cast<std::size_t>(shape.rows) * columns_),
        grain_power_(columns_),
        grain_unit_(columns_),
        table_(2 * kActivationSegments) {
    Random random(seed);
    fill(src_.data(), layout_.bytes, patterns.codes, random, 0, std::min(max_value, 255));
    for (int r = 0; r < shape.rows && layout_.plane_stride != 0; ++r) {
      fill(src_.data() + layout_.first + r * layout_.row_stride + layout_.plane_stride,
           static_cast<std::size_t>(shape.k), patterns.codes, random, 0, max_value >> 8);
    }
    const std::size_t bytes = columns_ * static_cast<std::size_t>(shape.k * shape.bits / 8);
    if (shape.bits == 8) {
      fill(reinterpret_cast<std::int8_t*>(tiles_.data()), bytes, patterns.weights, random, -max_weight, max_weight - 1);
    } else {
      fill(tiles_.data(), bytes, patterns.weights, random);  // two nibbles: 0x00 and 0xff are the extremes
    }
    fill(zero_points_.data(), columns_, patterns.zero_points, random, 0, 15);
    // Half of the cases are like a converter's, where no sum wraps and every shift drops a few bits.
    const bool usual = random.chance(50);
    for (std::size_t c = 0; c < columns_; ++c) {
      bias_[c] = static_cast<std::int32_t>(
          std::clamp<std::int64_t>(random.any_magnitude(usual ? 24 : 31), INT32_MIN, INT32_MAX));
      shift_[c] = static_cast<std::uint8_t>(usual || random.chance(60) ? random.integer(4, 14) : random.integer(0, 31));
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
    for (std::size_t c = 0; c < columns_; ++c) {
      const int grain = static_cast<int>(random.integer(0, 7));
      const bool valid = random.chance(70);
      grain_power_[c] =
          static_cast<std::int16_t>(valid ? std::min(32767, 1 << (15 - grain)) : random.integer(0, 32767));
      grain_unit_[c] = static_cast<std::int16_t>(valid ? 1 << grain : random.integer(-32768, 32767));
    }
    grain_limit_ =
        static_cast<std::int16_t>(random.chance(70) ? (1 << random.integer(0, 14)) - 1 : random.integer(0, 32767));
    max_code_ = static_cast<int>(random.chance(30)   ? 255
                                 : random.chance(70) ? (1 << random.integer(1, 8)) - 1
                                                     : random.integer(1, 255));
    fill(table_.data(), 2 * kActivationSegments, Pattern::random, random);
    activation_ = {table_.data(), table_.data() + kActivationSegments, static_cast<int>(random.integer(0, 9)),
                   static_cast<std::int16_t>(random.integer(0, 32767)),
                   static_cast<std::int16_t>(random.integer(0, 255))};
  }

  // The same for all columns.
  void requantize_by(std::int32_t bias, int shift) {
    for (std::size_t c = 0; c < columns_; ++c) {
      bias_[c] = bias;
      shift_[c] = static_cast<std::uint8_t>(shift);
    }
  }

  // All 8-bit weights of a column.
  void set_column(int column, int weight) {
    for (int k = 0; k < shape_.k; ++k) tiles_[tile_offset(column, k, shape_.k)] = static_cast<std::uint8_t>(weight);
  }

  void set_zero_points(int zero_point) {
    for (std::size_t c = 0; c < columns_; ++c) zero_points_[c] = static_cast<std::uint8_t>(zero_point);
  }

  std::size_t dst_elements(std::size_t stride) const {
    return static_cast<std::size_t>(shape_.rows - 1) * stride + columns_;
  }

  // dst must have dst_elements(stride); in place: the residual is copied into dst first.
  void run(const LinearKernels& kernels, Epilogue epilogue, bool grains, void* dst, std::size_t stride, bool in_place) {
    GuardedBuffer<std::uint8_t> scratch(linear_scratch_bytes(shape_.k));
    LinearArgs args{};
    args.src = src_.data() + layout_.first;
    args.src_stride = layout_.row_stride;
    args.plane_stride = layout_.plane_stride;
    args.rows = shape_.rows;
    args.weights = {tiles_.data(), shape_.bits == 4 ? zero_points_.data() : nullptr, shape_.bits, shape_.n, shape_.k};
    args.requantizer = {bias_.data(), shift_.data(), multiplier_.data()};
    args.epilogue = epilogue;
    args.dst = dst;
    args.dst_stride = static_cast<std::ptrdiff_t>(stride);
    args.max_code = max_code_;
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
    if (grains) {
      args.grain_power = grain_power_.data();
      args.grain_unit = grain_unit_.data();
      args.grain_limit = grain_limit_;
    }
    args.activation = activation_;
    args.logit_multiplier = logit_multiplier_.data();
    args.logit_shift = logit_shift_.data();
    args.scratch = scratch.data();
    kernels.run(args);
    CHECK(scratch.guards_intact());
  }

  template <typename T>
  void compare(const std::vector<TestedKernels>& tested, Epilogue epilogue, std::uint64_t seed, bool grains = false) {
    const std::size_t stride = columns_ + (seed % 2 == 0 ? 0 : 16 + seed % 5);
    const bool in_place = seed % 2 == 0;
    GuardedBuffer<T> expected(dst_elements(stride), seed % 13);
    run(*kernel_table(Isa::scalar).linear, epilogue, grains, expected.data(), stride, in_place);
    REQUIRE(expected.guards_intact());
    for (const TestedKernels& kernels : tested) {
      GuardedBuffer<T> actual(dst_elements(stride), seed % 31);
      run(*kernels.linear, epilogue, grains, actual.data(), stride, in_place);
      const std::ptrdiff_t at = first_difference(expected, actual);
      const std::string message = kernels.name + ": rows " + std::to_string(shape_.rows) + ", n " +
                                  std::to_string(shape_.n) + ", k " + std::to_string(shape_.k) + ", bits " +
                                  std::to_string(shape_.bits) + ", epilogue " +
                                  std::to_string(static_cast<int>(epilogue)) + (grains ? " with grains" : "") +
                                  ", plane stride " + std::to_string(layout_.plane_stride) + ", max_code " +
                                  std::to_string(max_code_) + ", element " + std::to_string(at);
      CHECK_MESSAGE(at < 0, message);
      CHECK_MESSAGE(actual.guards_intact(), message);
    }
  }

  void compare(const std::vector<TestedKernels>& tested, Epilogue epilogue, std::uint64_t seed) {
    switch (epilogue) {
      case Epilogue::codes:
      case Epilogue::activation:
        return compare<std::uint8_t>(tested, epilogue, seed);
      case Epilogue::residual:
        compare<std::int16_t>(tested, epilogue, seed, true);
        return compare<std::int16_t>(tested, epilogue, seed);
      case Epilogue::values:
      case Epilogue::activation_values:
        return compare<std::int16_t>(tested, epilogue, seed);
      case Epilogue::logits:
      case Epilogue::accumulators:
        return compare<std::int32_t>(tested, epilogue, seed);
    }
  }

 private:
  Shape shape_;
  std::size_t columns_;
  SourceLayout layout_;
  FencedBuffer<std::uint8_t> src_, tiles_, zero_points_;
  FencedBuffer<std::int32_t> bias_;
  FencedBuffer<std::uint8_t> shift_;
  FencedBuffer<std::int16_t> multiplier_;
  FencedBuffer<std::int32_t> logit_multiplier_;
  FencedBuffer<std::uint8_t> logit_shift_;
  FencedBuffer<std::int16_t> residual_, grain_power_, grain_unit_, table_;
  std::int16_t grain_limit_ = 0;
  int max_code_ = 255;
  GatedActivation activation_{};
};

void compare_all_epilogues(const std::vector<TestedKernels>& tested, const Shape& shape, const Patterns& patterns,
                           std::uint64_t seed) {
  // One plane, and two: usual files have up to 12 bits, hostile ones anything up to 16.
  constexpr std::array<int, 6> kMaxValues = {4095, 65535, 32767, 65535, 1023, 256};
  for (const int max_value : {255, kMaxValues[seed % kMaxValues.size()]}) {
    LinearCase linear(shape, patterns, seed, max_value);
    for (const Epilogue epilogue : kEpilogues) linear.compare(tested, epilogue, seed);
  }
}

TEST_CASE("linear: every number of rows") {
  const std::vector<TestedKernels> tested = vector_kernels();
  std::uint64_t seed = 1;
  for (const int bits : {8, 4}) {
    for (int rows = 1; rows <= 26; ++rows) compare_all_epilogues(tested, {rows, 49, 128, bits}, {}, seed++);
    // Everything that can be left where tiles have 4, 6 or 12 rows, or those and 14.
    for (const int rows : {43, 47, 48, 49, 53, 56, 57, 70, 97, 98, 101}) {
      compare_all_epilogues(tested, {rows, 33, 64, bits}, {}, seed++);
    }
  }
}

TEST_CASE("linear: every number of columns") {
  const std::vector<TestedKernels> tested = vector_kernels();
  std::uint64_t seed = 100;
  for (const int bits : {8, 4}) {
    for (int n = 1; n <= 70; ++n) compare_all_epilogues(tested, {1 + n % 14, n, 64 + n % 3 * 64, bits}, {}, seed++);
    compare_all_epilogues(tested, {13, 1000, 192, bits}, {}, seed++);
  }
}

TEST_CASE("linear: 4-bit weights whose sums and biases just fit 32 bits, and just do not") {
  const std::vector<TestedKernels> tested = vector_kernels();
  constexpr int kDepth = 64;
  for (const int max_value : {255, 65535}) {
    const std::int32_t largest_sum = kDepth * max_value * 15 * 16;
    for (const std::int32_t beyond : {0, 1, 2}) {
      for (const int shift : {3, 4, 5, 31}) {
        // Codes and weights at their largest, then weights at their least.
        LinearCase high({26, 40, kDepth, 4}, {Pattern::all_max, Pattern::all_max, Pattern::all_min}, 1, max_value);
        high.requantize_by(INT32_MAX - largest_sum + beyond, shift);
        LinearCase low({26, 40, kDepth, 4}, {Pattern::all_max, Pattern::all_min, Pattern::all_max}, 1, max_value);
        low.requantize_by(largest_sum - INT32_MAX - beyond, shift);
        for (const Epilogue epilogue : {Epilogue::codes, Epilogue::values, Epilogue::residual}) {
          high.compare(tested, epilogue, 1);
          low.compare(tested, epilogue, 1);
        }
      }
    }
  }
}

TEST_CASE("linear: depths") {
  const std::vector<TestedKernels> tested = vector_kernels();
  std::uint64_t seed = 300;
  for (const int bits : {8, 4}) {
    for (const int k : {64, 128, 192, 256, 320, 768, 3072})
      compare_all_epilogues(tested, {14, 20, k, bits}, {}, seed++);
    // The deepest that the reader accepts: sums come within 0.5 % of 2^31.
    compare_all_epilogues(tested, {2, 16, max_depth(bits), bits},
                          {Pattern::all_max, Pattern::all_min, Pattern::all_max}, seed++);
    compare_all_epilogues(tested, {2, 16, max_depth(bits), bits},
                          {Pattern::all_max, Pattern::all_max, Pattern::all_min}, seed++);
  }
}

// multiply() of all but AMX promises this to attention.
TEST_CASE("linear: 8-bit depths that are multiples of four") {
  const std::vector<TestedKernels> tested = kernels_of_any_depth();
  std::uint64_t seed = 350;
  for (int k = 4; k <= 132; k += 4) compare_all_epilogues(tested, {1 + k % 7, 35, k, 8}, {}, seed++);
}

// AVX2 splits such codes, in tiles of four rows and blocks of a hundred (kernels/gemm/avx2/split_codes_avx2.h).
TEST_CASE("linear: codes that crowd around their mean") {
  const std::vector<TestedKernels> tested = vector_kernels();
  std::uint64_t seed = 500;
  int rows = 1;
  for (const Pattern weights : kPatterns) {
    for (int i = 0; i < 3; ++i, ++rows) {
      compare_all_epilogues(tested, {rows, 127 + rows, 64 * (2 + rows % 3), 8}, {Pattern::crowded, weights}, seed++);
    }
  }
  for (const int many : {100, 101, 201}) {
    compare_all_epilogues(tested, {many, 130, 128, 8}, {Pattern::crowded}, seed++);
  }
  compare_all_epilogues(tested, {6, 128, 4096, 8}, {Pattern::crowded}, seed++);
  for (const int k : {132, 144, 156, 160, 188}) {
    compare_all_epilogues(kernels_of_any_depth(), {5, 144, k, 8}, {Pattern::crowded}, seed++);
  }
}

// AVX2 takes another loop for blocks of rows with such values, and has to find each of them.
// AVX2 adds as many products in 16 bits as fit, in the worst case exactly (kernels/gemm/avx2/multiply_narrow_avx2.h).
TEST_CASE("linear: narrow codes and small weights") {
  const std::vector<TestedKernels> tested = vector_kernels();
  std::uint64_t seed = 600;
  for (int max_code = 1; max_code <= 255; max_code = 2 * max_code + 1) {
    for (int max_weight = 1; max_weight <= 128; max_weight *= 2) {
      for (const Pattern weights : {Pattern::random, Pattern::all_min, Pattern::all_max}) {
        for (const int rows : {5, 38}) {
          LinearCase linear({rows, 20, 128, 8}, {weights == Pattern::random ? weights : Pattern::all_max, weights},
                            seed, max_code, max_weight);
          for (const Epilogue epilogue : {Epilogue::accumulators, Epilogue::codes, Epilogue::residual}) {
            linear.compare(tested, epilogue, seed++);
          }
        }
      }
    }
  }
}

TEST_CASE("linear: narrow codes and small weights but for one column") {
  const std::vector<TestedKernels> tested = vector_kernels();
  for (const int weight : {-128, 127}) {
    for (int column = 0; column < 40; ++column) {
      LinearCase linear({34, 40, 128, 8}, {Pattern::all_max, Pattern::random}, 1, 63, 4);
      linear.set_column(column, weight);
      linear.compare(tested, Epilogue::accumulators, 1);
    }
  }
}

TEST_CASE("linear: 4-bit weights at their largest, for every zero point") {
  const std::vector<TestedKernels> tested = vector_kernels();
  for (int zero_point = 0; zero_point <= 15; ++zero_point) {
    for (const Pattern weights : {Pattern::all_min, Pattern::all_max}) {
      LinearCase linear({9, 20, 192, 4}, {Pattern::all_max, weights}, 1);
      linear.set_zero_points(zero_point);
      linear.compare(tested, Epilogue::accumulators, 1);
    }
  }
}

TEST_CASE("linear: a single value above 32767") {
  const std::vector<TestedKernels> tested = kernels_of_any_depth();
  const int rows = 50, n = 16, k = 68;
  Random random(8);
  std::vector<std::uint8_t> tiles(static_cast<std::size_t>(n) * k);
  fill(tiles.data(), tiles.size(), Pattern::random, random);
  GuardedBuffer<std::uint8_t> scratch(linear_scratch_bytes(k));
  for (int at = 0; at < rows * k; at += 3) {
    std::vector<std::uint8_t> src(static_cast<std::size_t>(2 * rows * k));
    src[static_cast<std::size_t>(at)] = static_cast<std::uint8_t>(random.integer(0, 255));
    src[static_cast<std::size_t>(rows * k + at)] = static_cast<std::uint8_t>(random.integer(128, 255));
    const int value = src[static_cast<std::size_t>(at)] + 256 * src[static_cast<std::size_t>(rows * k + at)];
    std::vector<std::int32_t> expected(static_cast<std::size_t>(rows) * n);
    for (int c = 0; c < n; ++c) {
      expected[static_cast<std::size_t>(at / k * n + c)] =
          value * static_cast<std::int8_t>(tiles[tile_offset(c, at % k, k)]);
    }
    LinearArgs args{};
    args.src = src.data();
    args.src_stride = k;
    args.plane_stride = rows * k;
    args.rows = rows;
    args.weights = {tiles.data(), nullptr, 8, n, k};
    args.epilogue = Epilogue::accumulators;
    args.dst_stride = n;
    args.scratch = scratch.data();
    std::vector<std::int32_t> dst(expected.size());
    args.dst = dst.data();
    kernel_table(Isa::scalar).linear->run(args);
    REQUIRE(dst == expected);
    for (const TestedKernels& kernels : tested) {
      std::fill(dst.begin(), dst.end(), -1);
      kernels.linear->run(args);
      const std::string message = kernels.name + ": value number " + std::to_string(at);
      REQUIRE_MESSAGE(dst == expected, message);
    }
  }
}

// vpmaddubsw would saturate here: 255 * 127 + 255 * 127 > 32767.
TEST_CASE("linear: extreme codes, weights and zero points") {
  const std::vector<TestedKernels> tested = vector_kernels();
  std::uint64_t seed = 400;
  for (const int bits : {8, 4}) {
    for (const Pattern codes : kPatterns) {
      for (const Pattern weights : kPatterns) {
        for (const Pattern zero_points : kPatterns) {
          if (bits == 8 && zero_points != Pattern::random) continue;
          compare_all_epilogues(tested, {15, 50, 192, bits}, {codes, weights, zero_points}, seed++);
        }
      }
    }
  }
}

}  // namespace
}  // namespace intvit::test
