// Softmax by the exponential as work between the products of a matrix multiplication, on 512-bit registers.
//
// On AMD's Zen 4 vpdpbusd and 16-bit multiplications share two of the four vector ports. Additions, shifts and packing
// find the others idle, so a softmax that is spread among products takes about two thirds of the time that it takes by
// itself.
#pragma once

#include <immintrin.h>

#include "kernels/softmax/softmax_simd.h"

namespace intvit::kernels {
namespace {

class SoftmaxMeanwhile {
 public:
  // The codes of `block`, whose rows have `columns` scores, and a scale without a left shift. Rows of codes are written
  // in whole steps, with zeros behind the last column.
  void begin(const SoftmaxBlock& block, const SoftmaxScale& scale, int columns) {
    block_ = block;
    last_ = (columns - 1) / kStep * kStep;
    right_shift_ = _mm512_set1_epi32(scale.right_shift);
    multiplier_ = _mm512_set1_epi16(static_cast<std::int16_t>(scale.multiplier));
    const int beyond = columns - last_;
    last_columns_[0] = first_elements(beyond);
    last_columns_[1] = first_elements(beyond - kStep / 2);
    row_ = 0;
    begin_row();
  }

  bool is_left() const { return row_ < block_.rows; }

  // A row's sum, in parts, is in a register during a multiplication.
  __m512i take_sums() const { return sums_; }
  void put_sums(__m512i sums) { sums_ = sums; }

  // A part of a row. Constants come from memory, since registers hold the multiplication's sums.
  inline __attribute__((always_inline)) void step(__m512i& sums) {
    const SoftmaxMeanwhile* self = this;
    asm volatile("" : "+r"(self));  // else gcc would load them once, and spill sums for it
    const std::ptrdiff_t j = column_;
    const bool last = j == last_;
    const __m512i* columns = last ? self->last_columns_ : self->all_columns_;
    __m512i first = _mm512_and_si512(self->codes(scores_ + j), columns[0]);
    asm volatile("" : "+v"(first));  // the second half is not begun before: that would take more registers
    const __m512i second = _mm512_and_si512(self->codes(scores_ + j + kStep / 2), columns[1]);
    const __m512i both = _mm512_permutexvar_epi32(self->natural_order_, _mm512_packus_epi16(first, second));
    _mm512_storeu_si512(dst_ + j, both);
    sums = _mm512_dpbusd_epi32(sums, both, self->ones_);
    column_ = j + kStep;
    if (last) sums = end_row(sums);
  }

  // What is left, and the sums of all rows.
  void finish() {
    __m512i sums = sums_;
    while (is_left()) step(sums);
    std::int32_t of_rows[SoftmaxBlock::kMaxRows];
    reduce_rows<Avx512>(
        block_.rows, of_rows, [&](int r) { return row_sums_[r]; }, [](Avx512::I32 a, Avx512::I32 b) { return a + b; });
    for (int r = 0; r < block_.rows; ++r) {
      const auto sum = static_cast<std::uint32_t>(of_rows[r]);
      block_.sums[r] = {sum, sum};
    }
  }

 private:
  static constexpr int kStep = 64;

  // Ones in the first elements, which are in lane order, of 32.
  static __m512i first_elements(int count) {
    const auto part = [&](int begin) {
      const int there = count - begin;
      return _mm512_maskz_set1_epi32(static_cast<__mmask16>(there >= 16 ? 0xffff
                                                            : there > 0 ? (1 << there) - 1
                                                                        : 0),
                                     -1);
    };
    return _mm512_packs_epi32(part(0), part(16));
  }

  void begin_row() {
    maximum_ = _mm512_set1_epi32(block_.maxima[row_]);
    scores_ = block_.scores + row_ * block_.score_stride;
    dst_ = block_.dst + row_ * block_.dst_stride;
    column_ = 0;
    sums_ = _mm512_setzero_si512();
  }

  __attribute__((noinline)) __m512i end_row(__m512i sums) {
    row_sums_[row_] = sums;
    if (++row_ < block_.rows) begin_row();
    return _mm512_setzero_si512();
  }

  // SoftmaxVectors::codes() of half a step's scores.
  inline __attribute__((always_inline)) __m512i codes(const std::int32_t* scores) const {
    const __m512i lo = _mm512_sub_epi32(maximum_, _mm512_loadu_si512(scores));
    const __m512i hi = _mm512_sub_epi32(maximum_, _mm512_loadu_si512(scores + kStep / 4));
    const __m512i t = _mm512_mulhi_epu16(
        _mm512_packus_epi32(_mm512_srlv_epi32(lo, right_shift_), _mm512_srlv_epi32(hi, right_shift_)), multiplier_);
    const __m512i fraction = _mm512_and_si512(_mm512_slli_epi16(t, 15 - kSoftmaxFractionBits), fraction_bits_);
    __m512i power = _mm512_add_epi16(_mm512_mulhrs_epi16(fraction, exp2_[3]), exp2_[2]);
    power = _mm512_add_epi16(_mm512_mulhrs_epi16(power, fraction), exp2_[1]);
    power = _mm512_add_epi16(_mm512_mulhrs_epi16(power, fraction), exp2_[0]);
    return _mm512_mulhrs_epi16(power, _mm512_srlv_epi16(one_, _mm512_srli_epi16(t, kSoftmaxFractionBits)));
  }

  __m512i maximum_, right_shift_, multiplier_;
  const __m512i exp2_[4] = {_mm512_set1_epi16(kExp2C0), _mm512_set1_epi16(kExp2C1), _mm512_set1_epi16(kExp2C2),
                            _mm512_set1_epi16(kExp2C3)};
  const __m512i fraction_bits_ = _mm512_set1_epi16(((1 << kSoftmaxFractionBits) - 1) << (15 - kSoftmaxFractionBits));
  const __m512i one_ = _mm512_set1_epi16(1 << (15 - 7));  // 2^-7 for mulhrs: powers have 7 fraction bits
  const __m512i natural_order_ = _mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
  const __m512i ones_ = _mm512_set1_epi8(1);
  const __m512i all_columns_[2] = {_mm512_set1_epi32(-1), _mm512_set1_epi32(-1)};
  __m512i last_columns_[2];
  __m512i sums_{};
  const std::int32_t* scores_ = nullptr;
  std::uint8_t* dst_ = nullptr;
  std::ptrdiff_t column_ = 0, last_ = 0;
  int row_ = 0;
  SoftmaxBlock block_{};
  __m512i row_sums_[SoftmaxBlock::kMaxRows];
};

}  // namespace
}  // namespace intvit::kernels
