// The tables of simd/tables.h on AVX2.
#pragma once

#include "kernels/simd/avx2.h"
#include "kernels/simd/tables.h"
#include "kernels/simd/ymm.h"

namespace intvit::kernels {
namespace {

// AVX2 cannot permute 64 entries, and gathering them is slow. So an entry is looked up byte by byte, in four tables
// of 16 bytes, of which the three that are not meant give 0.
template <>
struct PairTable<Avx2> {
  using I16 = Avx2::I16;
  using U16 = Avx2::U16;

  // Low and high bytes of the first entries, then of the second ones; sixteen entries in both halves of a vector.
  std::uint8_t bytes[4][4][32];

  PairTable(const std::int16_t* firsts, const std::int16_t* seconds) {
    for (int i = 0; i < 64; ++i) {
      const std::uint16_t entries[2] = {static_cast<std::uint16_t>(firsts[i]), static_cast<std::uint16_t>(seconds[i])};
      for (int plane = 0; plane < 4; ++plane) {
        const auto byte = static_cast<std::uint8_t>(entries[plane / 2] >> (plane % 2 * 8));
        bytes[plane][i / 16][i % 16] = bytes[plane][i / 16][i % 16 + 16] = byte;
      }
    }
  }
  // Of two vectors of indices at once, since those of one are half as many as bytes fit.
  void look_up(U16 index0, U16 index1, I16& first0, I16& second0, I16& first1, I16& second1) const {
    const __m256i index = _mm256_packus_epi16(index0, index1);
    __m256i found[4] = {_mm256_setzero_si256(), _mm256_setzero_si256(), _mm256_setzero_si256(), _mm256_setzero_si256()};
#pragma GCC unroll 4
    for (int i = 0; i < 4; ++i) {
      // 0x70 to 0x7f for the sixteen entries of this table; a byte whose top bit is set looks up 0.
      const __m256i within =
          _mm256_add_epi8(_mm256_xor_si256(index, _mm256_set1_epi8(static_cast<char>(16 * i))), _mm256_set1_epi8(0x70));
#pragma GCC unroll 4
      for (int plane = 0; plane < 4; ++plane) {
        found[plane] = _mm256_or_si256(found[plane], _mm256_shuffle_epi8(Ymm::load(bytes[plane][i]), within));
      }
    }
    first0 = _mm256_unpacklo_epi8(found[0], found[1]);
    first1 = _mm256_unpackhi_epi8(found[0], found[1]);
    second0 = _mm256_unpacklo_epi8(found[2], found[3]);
    second1 = _mm256_unpackhi_epi8(found[2], found[3]);
  }
  void look_up(U16 index, I16& first, I16& second) const { look_up(index, index, first, second, first, second); }
};

// Few levels, as all thresholds are compared with.
template <>
struct StepTable<Avx2> {
  using I16 = Avx2::I16;

  static constexpr int kLevels = 16;
  static constexpr int kUnrolled = 5;  // thresholds, of which there are 15 where it matters
  __m256i below[kLevels - 1];          // less than thresholds by one: they are reached by what is above it
  int rounded_up;                      // thresholds, in multiples of kUnrolled
  __m256i low_bytes, high_bytes;

  StepTable() = default;
  StepTable(const std::int16_t* thresholds, const std::int16_t* values, int levels)
      : rounded_up((levels - 1 + kUnrolled - 1) / kUnrolled * kUnrolled) {
    for (int k = 0; k < kLevels - 1; ++k) {
      below[k] =
          _mm256_set1_epi16(thresholds[k] == -32768 ? thresholds[k] : static_cast<std::int16_t>(thresholds[k] - 1));
    }
    const __m256i all = Ymm::load(values);
    const __m256i low = _mm256_and_si256(all, _mm256_set1_epi16(255)), high = _mm256_srli_epi16(all, 8);
    const __m256i bytes = _mm256_permute4x64_epi64(_mm256_packus_epi16(low, high), 0xd8);
    low_bytes = _mm256_permute2x128_si256(bytes, bytes, 0x00);
    high_bytes = _mm256_permute2x128_si256(bytes, bytes, 0x11);
  }
  template <typename Use>
  void with_look_up(Use&& use) const {
    use([this](I16 x) { return look_up(x); });
  }
  I16 look_up(I16 x) const {
    __m256i level = _mm256_setzero_si256();
    for (int k = 0; k < rounded_up; k += kUnrolled) {
#pragma GCC unroll 5
      for (int i = 0; i < kUnrolled; ++i) level = _mm256_sub_epi16(level, _mm256_cmpgt_epi16(x, below[k + i]));
    }
    return Avx2::shuffle_16(low_bytes, high_bytes, level);
  }
};

}  // namespace
}  // namespace intvit::kernels
