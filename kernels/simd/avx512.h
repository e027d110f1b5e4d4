// What simd/vector.h lacks, on AVX-512 F/BW/DQ/VL.
// Elements are always in natural order: packing and widening hide the lanes of the hardware.
#pragma once

#include <immintrin.h>

#include <cstdint>

#include "kernels/simd/vector.h"

namespace intvit::kernels {
namespace {

// The tag that vector.h asks for. Registers are declared from AVX-512 F, since xsimd has AVX-512 CD below BW and no
// kernel needs CD.
struct Avx512Arch : xsimd::avx512bw {};

}  // namespace
}  // namespace intvit::kernels

namespace xsimd::types {
template <typename T>
struct get_bool_simd_register<T, intvit::kernels::Avx512Arch> : get_bool_simd_register<T, avx512f> {};
XSIMD_DECLARE_SIMD_REGISTER_ALIAS(intvit::kernels::Avx512Arch, avx512f);
}  // namespace xsimd::types

namespace intvit::kernels {
namespace {

struct Avx512 : Vectors<Avx512Arch> {
  // Lower half of a vector: 16 x 16 bits; the upper half reads as zero.
  static I16 load16_half(const void* p) {
    return _mm512_zextsi256_si512(_mm256_loadu_si256(static_cast<const __m256i*>(p)));
  }
  static void store16_half(void* p, I16 v) { _mm256_storeu_si256(static_cast<__m256i*>(p), _mm512_castsi512_si256(v)); }

  static I16 multiply_q15(I16 a, I16 b) { return _mm512_mulhrs_epi16(a, b); }
  static U16 multiply_high_u16(U16 a, U16 b) { return _mm512_mulhi_epu16(a, b); }
  // A 16-bit shift of many vectors. A count per element is one micro-operation less on Intel's CPUs than one for all.
  struct Shift16 {
    __m512i counts;
    explicit Shift16(int n) : counts(_mm512_set1_epi16(static_cast<std::int16_t>(n))) {}
    U16 left(U16 a) const { return _mm512_sllv_epi16(a, counts); }
    U16 right(U16 a) const { return _mm512_srlv_epi16(a, counts); }
  };
  // xsimd has no instruction for these here: it takes vectors apart.
  static I32 shift_left_each(I32 a, I32 n) { return _mm512_sllv_epi32(a, n); }
  static I32 shift_right_each(I32 a, I32 n) { return _mm512_srav_epi32(a, n); }
  static U32 shift_right_each(U32 a, U32 n) { return _mm512_srlv_epi32(a, n); }
  // round(a / 2^(7 + n)), element by element, for a in 0..32767. n in 0..31.
  static I16 rounded_shift7_plus(I16 a, U16 n) {
    return _mm512_mulhrs_epi16(a, _mm512_srlv_epi16(_mm512_set1_epi16(256), n));
  }
  // round(a / 2^n), element by element, for a in 0..32767; 0 where n >= 16. n in 0..31.
  static I16 rounded_shift15_each(I16 a, U16 n) {
    return _mm512_avg_epu16(_mm512_srlv_epi16(a + a, n), _mm512_setzero_si512());
  }

  // A bit for each of 64 elements that is outside lowest..lowest + length (unsigned).
  static std::uint64_t outside64(const std::int16_t* p, I16 lowest, I16 length) {
    const __mmask32 low = _mm512_cmpgt_epu16_mask(load16(p) - lowest, length);
    const __mmask32 high = _mm512_cmpgt_epu16_mask(load16(p + kLanes16) - lowest, length);
    return _cvtmask64_u64(_mm512_kunpackd(high, low));
  }
  // Sums of two products of u8 and s8 each, which must fit 16 bits.
  static I16 multiply_add_bytes(I32 a, I32 b) { return _mm512_maddubs_epi16(a, b); }

  // a * b, in the lanes from which pack32_in_lanes() brings them back into natural order.
  static void products_in_lanes(I16 a, I16 b, I32& lo, I32& hi) {
    const __m512i low = _mm512_mullo_epi16(a, b), high = _mm512_mulhi_epi16(a, b);
    lo = _mm512_unpacklo_epi16(low, high);
    hi = _mm512_unpackhi_epi16(low, high);
  }
  static I32 multiply_add_pairs(I16 a, I16 b) { return _mm512_madd_epi16(a, b); }
  static I32 add_products_of_pairs(I32 sums, I16 a, I16 b) { return _mm512_dpwssd_epi32(sums, a, b); }
  // sums + the sums of pairs of a.
  static I32 add_pairs(I32 sums, I16 a) { return _mm512_dpwssd_epi32(sums, a, _mm512_set1_epi16(1)); }
  // sums + the sums of some codes each.
  static I32 add_codes(I32 sums, Codes a) { return _mm512_dpbusd_epi32(sums, a, _mm512_set1_epi8(1)); }
  static I32 load16_as_32(const void* p) {
    return _mm512_cvtepi16_epi32(_mm256_loadu_si256(static_cast<const __m256i*>(p)));
  }
  static I32 load_u8_as_32(const void* p) {
    return _mm512_cvtepu8_epi32(_mm_loadu_si128(static_cast<const __m128i*>(p)));
  }
  static std::int32_t reduce_max32(I32 a) { return _mm512_reduce_max_epi32(a); }
  static std::int32_t reduce_add32(I32 a) { return _mm512_reduce_add_epi32(a); }
  // What `both`, which takes two vectors, makes of all elements of each of four.
  template <typename Both>
  static void reduce_four(std::int32_t* dst, const I32 (&v)[4], const Both& both) {
    const auto join = [&](__m512i a, __m512i b) { return both(I32(a), I32(b)); };
    const I32 v01 = join(_mm512_unpacklo_epi32(v[0], v[1]), _mm512_unpackhi_epi32(v[0], v[1]));
    const I32 v23 = join(_mm512_unpacklo_epi32(v[2], v[3]), _mm512_unpackhi_epi32(v[2], v[3]));
    const I32 lanes = join(_mm512_unpacklo_epi64(v01, v23), _mm512_unpackhi_epi64(v01, v23));
    const I32 halves = join(lanes, _mm512_shuffle_i32x4(lanes, lanes, 0x4e));
    const I32 all = join(halves, _mm512_shuffle_i32x4(halves, halves, 0xb1));
    _mm_storeu_si128(reinterpret_cast<__m128i*>(dst), _mm512_castsi512_si128(all));
  }
  static I64 load16_as_64(const void* p) {
    return _mm512_cvtepi16_epi64(_mm_loadu_si128(static_cast<const __m128i*>(p)));
  }
  static I64 min64(I64 a, I64 b) { return _mm512_min_epi64(a, b); }
  // Of elements that fit 32 bits.
  static I64 square32(I64 a) { return _mm512_mul_epi32(a, a); }
  // The lowest n <= 15 bits of each.
  template <int n>
  static void store_low_bits_as_16(void* p, I64 a) {
    _mm_storeu_si128(static_cast<__m128i*>(p), _mm512_cvtepi64_epi16(a & I64((1 << n) - 1)));
  }
  static std::uint64_t reduce_add64(U64 sums) { return static_cast<std::uint64_t>(_mm512_reduce_add_epi64(sums)); }

  // 32 -> 16 bits with signed saturation.
  static I16 pack32(I32 lo, I32 hi) {
    return _mm512_permutexvar_epi64(_mm512_setr_epi64(0, 2, 4, 6, 1, 3, 5, 7), _mm512_packs_epi32(lo, hi));
  }
  // *Lane order* is that in which the packing instructions leave elements: each 128-bit lane has four of `lo`, then
  // four of `hi`. Where order does not matter before codes are stored, this saves a permutation per vector.
  static I16 to_lane_order(I16 v) { return _mm512_permutexvar_epi64(_mm512_setr_epi64(0, 4, 1, 5, 2, 6, 3, 7), v); }
  static I16 pack32_in_lanes(I32 lo, I32 hi) { return _mm512_packs_epi32(lo, hi); }
  static U16 pack32_u_in_lanes(I32 lo, I32 hi) { return _mm512_packus_epi32(lo, hi); }
  // Two vectors in lane order -> the codes of one, then those of the other, in natural order, with unsigned saturation.
  static Codes lane_codes(I16 a, I16 b) {
    return _mm512_permutexvar_epi32(_mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15),
                                    _mm512_packus_epi16(a, b));
  }
  // The first of the two vectors' codes to p, those of the other to q; 32 each, or 16 for kHalf.
  template <bool kHalf>
  static void store_codes_of_first(void* p, Codes codes) {
    if constexpr (kHalf) {
      _mm_storeu_si128(static_cast<__m128i*>(p), _mm512_castsi512_si128(codes));
    } else {
      _mm256_storeu_si256(static_cast<__m256i*>(p), _mm512_castsi512_si256(codes));
    }
  }
  template <bool kHalf>
  static void store_codes_of_both(void* p, void* q, Codes codes) {
    store_codes_of_first<kHalf>(p, codes);
    if constexpr (kHalf) {
      _mm_storeu_si128(static_cast<__m128i*>(q), _mm512_extracti32x4_epi32(codes, 2));
    } else {
      _mm256_storeu_si256(static_cast<__m256i*>(q), _mm512_extracti64x4_epi64(codes, 1));
    }
  }
  // round(a * multiplier / 2^shift), element by element, with signed saturation; shifts are 1..62.
  static I32 rounded_products(I32 a, const std::int32_t* multipliers, const std::uint8_t* shifts) {
    const auto half = [&](int i) {
      const __m512i x = _mm512_cvtepi32_epi64(i == 0 ? _mm512_castsi512_si256(a) : _mm512_extracti64x4_epi64(a, 1));
      const __m512i multiplier =
          _mm512_cvtepi32_epi64(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(multipliers + 8 * i)));
      const __m512i shift = _mm512_cvtepu8_epi64(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(shifts + 8 * i)));
      const __m512i one = _mm512_set1_epi64(1);
      const __m512i rounding = _mm512_sllv_epi64(one, _mm512_sub_epi64(shift, one));
      return _mm512_cvtsepi64_epi32(
          _mm512_srav_epi64(_mm512_add_epi64(_mm512_mul_epi32(x, multiplier), rounding), shift));
    };
    return _mm512_inserti64x4(_mm512_castsi256_si512(half(0)), half(1), 1);
  }

  // (a[i], b[i]) pairs of vectors in lane order, of the lower and the upper half in natural order.
  static I16 pairs_lo(I16 a, I16 b) { return _mm512_unpacklo_epi16(a, b); }
  static I16 pairs_hi(I16 a, I16 b) { return _mm512_unpackhi_epi16(a, b); }

  // 16 bits -> 32 codes with unsigned saturation.
  static __m256i to_codes(I16 v) { return _mm512_cvtusepi16_epi8(_mm512_max_epi16(v, _mm512_setzero_si512())); }
  static void store_codes(void* p, I16 v) { _mm256_storeu_si256(static_cast<__m256i*>(p), to_codes(v)); }

  static std::int16_t reduce_min16(I16 a) {
    const __m128i bias = _mm_set1_epi16(-32768);  // phminposuw is for unsigned values
    const __m256i half = _mm256_min_epi16(_mm512_castsi512_si256(a), _mm512_extracti64x4_epi64(a, 1));
    const __m128i x = _mm_min_epi16(_mm256_castsi256_si128(half), _mm256_extracti128_si256(half, 1));
    return static_cast<std::int16_t>(_mm_cvtsi128_si32(_mm_xor_si128(_mm_minpos_epu16(_mm_xor_si128(x, bias)), bias)));
  }
  static std::int16_t reduce_max16(I16 a) {  // -1 - a reverses the order
    return static_cast<std::int16_t>(-1 - reduce_min16(_mm512_xor_si512(a, _mm512_set1_epi16(-1))));
  }
  static void store_low_bytes(void* p, I16 v) {
    _mm256_storeu_si256(static_cast<__m256i*>(p), _mm512_cvtepi16_epi8(v));
  }
  static void store_high_bytes(void* p, I16 v) { store_low_bytes(p, _mm512_srli_epi16(v, 8)); }
};

}  // namespace
}  // namespace intvit::kernels
