// One call of a linear kernel with everything that it needs, and its comparison with the scalar law.
#pragma once

#include <doctest/doctest.h>

#include <array>
#include <memory>
#include <vector>

#include "kernels/gemm/linear.h"
#include "tests/kernels/test_data.h"
#include "tests/kernels/tested_kernels.h"

namespace intvit::test {

using namespace intvit::kernels;

struct LinearShape {
  int rows, n, k, bits;
};

struct LinearPatterns {
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
  LinearCase(const LinearShape& shape, const LinearPatterns& patterns, std::uint64_t seed, int max_value = 255,
             int max_weight = 128)
      : shape_(shape),
        columns_(static_cast<std::size_t>(padded_columns(shape.n))),
        layout_(shape.rows, shape.k, max_value > 255 ? 2 : 1, seed),
        src_(layout_.bytes),
        tiles_(columns_ * static_cast<std::size_t>(shape.k) * static_cast<std::size_t>(shape.bits) / 8),
        zero_points_(columns_),
        bias_(columns_),
        shift_(columns_),
        multiplier_(columns_),
        logit_multiplier_(columns_),
        logit_shift_(columns_),
        residual_(static_cast<std::size_t>(shape.rows) * columns_),
        coarse_power_(columns_),
        coarse_unit_(columns_),
        table_(2 * kActivationSegments) {
    Random random(seed);
    fill(src_.data(), layout_.bytes, patterns.codes, random, 0, std::min(max_value, 255));
    for (int r = 0; r < shape.rows && layout_.plane_stride != 0; ++r) {
      fill(src_.data() + layout_.first + r * layout_.row_stride + layout_.plane_stride,
           static_cast<std::size_t>(shape.k), patterns.codes, random, 0, max_value >> 8);
    }
    const std::size_t bytes = columns_ * static_cast<std::size_t>(shape.k) * static_cast<std::size_t>(shape.bits) / 8;
    if (shape.bits == 8) {
      fill(reinterpret_cast<std::int8_t*>(tiles_.data()), bytes, patterns.weights, random, -max_weight, max_weight - 1);
    } else {
      fill(tiles_.data(), bytes, patterns.weights, random);  // of several: 0x00 and 0xff are the extremes
    }
    fill(zero_points_.data(), columns_, patterns.zero_points, random, 0, std::min(15, (1 << shape.bits) - 1));
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
      const int coarse_steps = static_cast<int>(random.integer(0, 7));
      const bool valid = random.chance(70);
      coarse_power_[c] =
          static_cast<std::int16_t>(valid ? std::min(32767, 1 << (15 - coarse_steps)) : random.integer(0, 32767));
      coarse_unit_[c] = static_cast<std::int16_t>(valid ? 1 << coarse_steps : random.integer(-32768, 32767));
    }
    coarse_limit_ =
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

  // No weight from there on is other than zero, and vector kernels know it.
  void use_depth(int used) {
    for (int c = 0; c < static_cast<int>(columns_); ++c) {
      for (int k = used; k < shape_.k; ++k) {
        if (shape_.bits == 8) {
          tiles_[tile_offset(c, k, shape_.k)] = 0;
          continue;
        }
        store_number(tiles_.data(), shape_.bits, c, k, shape_.k, zero_points_[static_cast<std::size_t>(c)]);
      }
    }
    used_ = used;
  }

  // Lists of up to `most` values aside a row: of as many as list_length() says, or of more than there is room for, and
  // of columns and excesses that may be anything.
  template <typename ListLength>
  void put_aside(int most, std::uint64_t seed, ListLength&& list_length) {
    Random random(seed);
    const std::size_t gap = seed % 3, words = static_cast<std::size_t>(aside_words(most));
    const auto rows = static_cast<std::size_t>(shape_.rows);
    lists_ = std::make_unique<FencedBuffer<std::int16_t>>((rows - 1) * (words + gap) + words);
    aside_.lists = lists_->data();
    aside_.stride = static_cast<std::ptrdiff_t>(words + gap);
    aside_.most = most;
    aside_.columns = used_ == 0 ? shape_.k : used_;
    for (std::size_t r = 0; r < rows; ++r) {
      std::int16_t* list = lists_->data() + r * (words + gap);
      list[0] = static_cast<std::int16_t>(list_length(static_cast<int>(r)));
      for (int i = 0; i < most; ++i) {
        const bool wild = random.chance(3);
        list[1 + i] = static_cast<std::int16_t>(random.integer(0, wild ? 65535 : aside_.columns));
        list[1 + most + i] = static_cast<std::int16_t>(random.chance(20)   ? random.chance(50) ? 32767 : -32768
                                                       : random.chance(50) ? random.integer(-32768, 32767)
                                                                           : random.integer(-300, 300));
      }
    }
  }
  void set_excesses(std::int16_t excess) {
    for (int r = 0; r < shape_.rows; ++r) {
      std::int16_t* list = lists_->data() + r * aside_.stride;
      for (int i = 0; i < aside_.most; ++i) list[1 + i] = 0, list[1 + aside_.most + i] = excess;
    }
  }

  std::size_t dst_elements(std::size_t stride) const {
    return static_cast<std::size_t>(shape_.rows - 1) * stride + columns_;
  }

  // dst must have dst_elements(stride); in place: the residual is copied into dst first. What has run goes to `ran`.
  void run(const LinearKernels& kernels, Epilogue epilogue, bool coarse_steps, void* dst, std::size_t stride,
           bool in_place, LinearArgs* ran = nullptr) {
    GuardedBuffer<std::uint8_t> scratch(linear_scratch_bytes(shape_.k, shape_.bits));
    GuardedBuffer<std::uint8_t> aside_scratch(aside_scratch_bytes(shape_.rows, aside_.most));
    LinearArgs args{};
    args.aside = aside_;
    args.aside.scratch = aside_scratch.data();
    args.src = src_.data() + layout_.first;
    args.src_stride = layout_.row_stride;
    args.plane_stride = layout_.plane_stride;
    args.rows = shape_.rows;
    args.weights = {tiles_.data(), shape_.bits != 8 ? zero_points_.data() : nullptr, shape_.bits, shape_.n, shape_.k};
    args.weights.used = used_;
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
    if (coarse_steps) {
      args.coarse_power = coarse_power_.data();
      args.coarse_unit = coarse_unit_.data();
      args.coarse_limit = coarse_limit_;
    }
    args.activation = activation_;
    args.logit_multiplier = logit_multiplier_.data();
    args.logit_shift = logit_shift_.data();
    args.scratch = scratch.data();
    kernels.run(args);
    if (ran != nullptr) *ran = args;
    CHECK(scratch.guards_intact());
    CHECK(aside_scratch.guards_intact());
  }

  template <typename T>
  void compare(const std::vector<TestedKernels>& tested, Epilogue epilogue, std::uint64_t seed,
               bool coarse_steps = false) {
    const std::size_t stride = columns_ + (seed % 2 == 0 ? 0 : 16 + seed % 5);
    const bool in_place = seed % 2 == 0;
    GuardedBuffer<T> expected(dst_elements(stride), seed % 13);
    run(*kernel_table(Isa::scalar).linear, epilogue, coarse_steps, expected.data(), stride, in_place);
    REQUIRE(expected.guards_intact());
    for (const TestedKernels& kernels : tested) {
      GuardedBuffer<T> actual(dst_elements(stride), seed % 31);
      run(*kernels.linear, epilogue, coarse_steps, actual.data(), stride, in_place);
      const std::ptrdiff_t at = first_difference(expected, actual);
      const std::string message =
          kernels.name + ": rows " + std::to_string(shape_.rows) + ", n " + std::to_string(shape_.n) + ", k " +
          std::to_string(shape_.k) + ", bits " + std::to_string(shape_.bits) + ", epilogue " +
          std::to_string(static_cast<int>(epilogue)) + (coarse_steps ? " with coarse steps" : "") + ", plane stride " +
          std::to_string(layout_.plane_stride) + ", max_code " + std::to_string(max_code_) +
          (aside_.lists == nullptr ? "" : ", up to " + std::to_string(aside_.most) + " aside") + ", element " +
          std::to_string(at);
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
  LinearShape shape_;
  int used_ = 0;
  std::size_t columns_;
  SourceLayout layout_;
  FencedBuffer<std::uint8_t> src_, tiles_, zero_points_;
  FencedBuffer<std::int32_t> bias_;
  FencedBuffer<std::uint8_t> shift_;
  FencedBuffer<std::int16_t> multiplier_;
  FencedBuffer<std::int32_t> logit_multiplier_;
  FencedBuffer<std::uint8_t> logit_shift_;
  FencedBuffer<std::int16_t> residual_, coarse_power_, coarse_unit_, table_;
  std::unique_ptr<FencedBuffer<std::int16_t>> lists_;
  AsideLists aside_;
  std::int16_t coarse_limit_ = 0;
  int max_code_ = 255;
  GatedActivation activation_{};
};

}  // namespace intvit::test
