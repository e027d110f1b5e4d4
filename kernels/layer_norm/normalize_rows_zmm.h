// normalize_row() of layer_norm_law.h for eight rows at once, on AVX-512.
#pragma once

#include <immintrin.h>

#include "kernels/layer_norm/layer_norm_law.h"

namespace intvit::kernels {
namespace {

// floor(a / c) of 64-bit elements a < 2^63, for a c of 1 to 2^16, by a multiplication. With 2^n >= c the factor is at
// most 1 above 2^(63 + n) / c, which adds less than 1 / c to a / c.
class DivisionZmm {
 public:
  explicit DivisionZmm(std::uint64_t c) {
    int n = 0;
    while (std::uint64_t{1} << n < c) ++n;
    // 2^(63 + n) / c in two steps of a division by hand, since it may have more than 63 bits.
    const std::uint64_t high = (std::uint64_t{1} << (31 + n)) / c, rest = (std::uint64_t{1} << (31 + n)) % c;
    const std::uint64_t factor = (high << 32) + (rest << 32) / c + 1;
    low_ = _mm512_set1_epi64(static_cast<std::int64_t>(factor & 0xffffffff));
    high_ = _mm512_set1_epi64(static_cast<std::int64_t>(factor >> 32));
    shift_ = _mm512_set1_epi64(n);
  }

  __m512i operator()(__m512i a) const {
    const __m512i low_bits = _mm512_set1_epi64(0xffffffff);
    const __m512i twice = _mm512_add_epi64(a, a), upper = _mm512_srli_epi64(twice, 32);
    const __m512i middle =
        _mm512_add_epi64(_mm512_mul_epu32(upper, low_), _mm512_srli_epi64(_mm512_mul_epu32(twice, low_), 32));
    const __m512i other = _mm512_add_epi64(_mm512_mul_epu32(twice, high_), _mm512_and_si512(middle, low_bits));
    const __m512i carries = _mm512_add_epi64(_mm512_srli_epi64(middle, 32), _mm512_srli_epi64(other, 32));
    return _mm512_srlv_epi64(_mm512_add_epi64(_mm512_mul_epu32(upper, high_), carries), shift_);
  }

 private:
  __m512i low_, high_, shift_;
};

inline constexpr int kRowsOfZmm = 8;

// Sums of eight rows, as those of normalize_row().
inline void normalize_rows(const std::int64_t* sums, const std::uint64_t* sums_of_squares, int channels,
                           std::uint64_t epsilon, const DivisionZmm& divide, RowNormalization* rows) {
  const auto set = [](std::int64_t x) { return _mm512_set1_epi64(x); };
  const __m512i sum = _mm512_loadu_si512(sums);
  const __m512i variance =
      _mm512_add_epi64(_mm512_sub_epi64(_mm512_mullo_epi64(_mm512_loadu_si512(sums_of_squares), set(channels)),
                                        _mm512_mul_epi32(sum, sum)),
                       set(static_cast<std::int64_t>(epsilon)));
  const __m512i w = divide(variance);
  // Half the number of W's bits, at most 23: as many powers 2, 2^3, 2^5, ... as W reaches.
  __m512i half_bits = _mm512_setzero_si512();
  for (int step = 16; step > 0; step /= 2) {
    const __m512i more = _mm512_add_epi64(half_bits, set(step));
    const __m512i power = _mm512_sub_epi64(_mm512_add_epi64(more, more), set(1));
    const __m512i above = _mm512_srlv_epi64(w, power);
    half_bits = _mm512_mask_mov_epi64(half_bits, _mm512_test_epi64_mask(above, above), more);
  }
  half_bits = _mm512_min_epu64(half_bits, set(23));
  const __m512i exponent = _mm512_sub_epi64(set(14), half_bits), twice = _mm512_add_epi64(exponent, exponent);
  const __m512i zero = _mm512_setzero_si512(), down_twice = _mm512_sub_epi64(zero, twice);
  // A shift by a negative number, which is a large one without a sign, leaves nothing.
  const __m512i scaled = _mm512_or_si512(divide(_mm512_sllv_epi64(variance, twice)), _mm512_srlv_epi64(w, down_twice));
  alignas(64) std::uint64_t x[kRowsOfZmm];
  _mm512_store_si512(x, _mm512_max_epu64(_mm512_min_epu64(scaled, set((1 << 29) - 1)), set(1 << 27)));
  // floor((2 * sum * 2^e + C) / 2C), and 2^30 on top, which 16 bits do not show, so that nothing negative is divided.
  const __m512i up = _mm512_max_epi64(exponent, zero), down = _mm512_sub_epi64(up, exponent), one = set(1);
  const __m512i offset = set(channels + (std::int64_t{channels} << 31));
  const __m512i dividend =
      _mm512_add_epi64(_mm512_sllv_epi64(sum, _mm512_add_epi64(up, one)), _mm512_sllv_epi64(offset, down));
  const __m512i mean = _mm512_srlv_epi64(divide(dividend), _mm512_add_epi64(down, one));
  alignas(32) std::int32_t exponents[kRowsOfZmm];
  alignas(16) std::int16_t means[kRowsOfZmm];
  _mm256_store_si256(reinterpret_cast<__m256i*>(exponents), _mm512_cvtepi64_epi32(exponent));
  _mm_store_si128(reinterpret_cast<__m128i*>(means), _mm512_cvtepi64_epi16(mean));
  for (int r = 0; r < kRowsOfZmm; ++r) {
    rows[r] = {exponents[r], means[r], inverse_sqrt(static_cast<std::uint32_t>(x[r]))};
  }
}

}  // namespace
}  // namespace intvit::kernels
