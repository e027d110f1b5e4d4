// What simd/vector.h lacks, on AVX2. See simd/avx512.h, which has the same members; here a vector has half as many
// elements.
#pragma once

#include <immintrin.h>

#include <cstdint>

#include "kernels/simd/vector.h"

namespace intvit::kernels {
namespace {

// The tag that vector.h asks for.
struct Avx2Arch : xsimd::avx2 {};

}  // namespace
}  // namespace intvit::kernels

namespace xsimd::types {
XSIMD_DECLARE_SIMD_REGISTER_ALIAS(intvit::kernels::Avx2Arch, avx2);
}  // namespace xsimd::types

namespace intvit::kernels {
namespace {

struct Avx2 : Vectors<Avx2Arch> {
  static I16 load16_half(const void* p) {
    return _mm256_zextsi128_si256(_mm_loadu_si128(static_cast<const __m128i*>(p)));
  }
  static void store16_half(void* p, I16 v) { _mm_storeu_si128(static_cast<__m128i*>(p), _mm256_castsi256_si128(v)); }

  static I16 multiply_q15(I16 a, I16 b) { return _mm256_mulhrs_epi16(a, b); }
  static U16 multiply_high_u16(U16 a, U16 b) { return _mm256_mulhi_epu16(a, b); }
  struct Shift16 {
    __m128i count;
    explicit Shift16(int n) : count(_mm_cvtsi32_si128(n)) {}
    U16 left(U16 a) const { return _mm256_sll_epi16(a, count); }
    U16 right(U16 a) const { return _mm256_srl_epi16(a, count); }
  };
  static I32 shift_left_each(I32 a, I32 n) { return a << n; }
  static I32 shift_right_each(I32 a, I32 n) { return a >> n; }
  static U32 shift_right_each(U32 a, U32 n) { return a >> n; }
  // AVX2 has no 16-bit shift by a vector, so the factor 2^(8 - n) of multiply_q15() comes from a byte shuffle. Its low
  // byte is entry n; its high byte is entry 8, which is 1, for n = 0 and an entry that is 0 for others. Where an index
  // has its top bit set, the byte is 0.
  static I16 rounded_shift7_plus(I16 a, U16 n) {
    const __m256i bytes = _mm256_setr_epi8(0, -128, 64, 32, 16, 8, 4, 2, 1, 0, 0, 0, 0, 0, 0, 0,  //
                                           0, -128, 64, 32, 16, 8, 4, 2, 1, 0, 0, 0, 0, 0, 0, 0);
    const __m256i twice = _mm256_mullo_epi16(n, _mm256_set1_epi16(0x0101));
    const __m256i factor = _mm256_shuffle_epi8(bytes, _mm256_add_epi16(twice, _mm256_set1_epi16(0x7870)));
    return _mm256_mulhrs_epi16(a, factor);
  }
  // Likewise round(a / 2^n) = multiply_q15(a, 2^(15 - n)). For n = 0 the factor is -32768 and the result -a.
  static I16 rounded_shift15_each(I16 a, U16 n) {
    const __m256i low_bytes = _mm256_setr_epi8(0, 0, 0, 0, 0, 0, 0, 0, -128, 64, 32, 16, 8, 4, 2, 1,  //
                                               0, 0, 0, 0, 0, 0, 0, 0, -128, 64, 32, 16, 8, 4, 2, 1);
    const __m256i high_bytes = _mm256_setr_epi8(-128, 64, 32, 16, 8, 4, 2, 1, 0, 0, 0, 0, 0, 0, 0, 0,  //
                                                -128, 64, 32, 16, 8, 4, 2, 1, 0, 0, 0, 0, 0, 0, 0, 0);
    // From 16 on the top bit of the index is set, which looks up 0.
    const __m256i factor = shuffle_16(low_bytes, high_bytes, _mm256_add_epi16(n, _mm256_set1_epi16(0x70)));
    return _mm256_abs_epi16(_mm256_mulhrs_epi16(a, factor));
  }
  // 16-bit elements of 16 low and 16 high bytes, looked up by the low four bits.
  static I16 shuffle_16(__m256i low_bytes, __m256i high_bytes, __m256i index) {
    // A byte of an index whose top bit is set looks up 0.
    const __m256i low = _mm256_shuffle_epi8(low_bytes, _mm256_or_si256(index, _mm256_set1_epi16(-32768)));
    const __m256i high_index = _mm256_or_si256(_mm256_slli_epi16(index, 8), _mm256_set1_epi16(0x80));
    return _mm256_or_si256(low, _mm256_shuffle_epi8(high_bytes, high_index));
  }

  static std::uint64_t outside64(const std::int16_t* p, I16 lowest, I16 length) {
    const auto inside = [&](int i) {
      const __m256i beyond = _mm256_subs_epu16(load16(p + i * kLanes16) - lowest, length);
      return _mm256_cmpeq_epi16(beyond, _mm256_setzero_si256());
    };
    const auto half = [&](int i) {
      const __m256i both = _mm256_permute4x64_epi64(_mm256_packs_epi16(inside(i), inside(i + 1)), 0xd8);
      return static_cast<std::uint64_t>(~static_cast<std::uint32_t>(_mm256_movemask_epi8(both)));
    };
    return half(0) | half(2) << 32;
  }
  // Sums of two products of u8 and s8 each, which must fit 16 bits.
  static I16 multiply_add_bytes(I32 a, I32 b) { return _mm256_maddubs_epi16(a, b); }

  static void products_in_lanes(I16 a, I16 b, I32& lo, I32& hi) {
    const __m256i low = _mm256_mullo_epi16(a, b), high = _mm256_mulhi_epi16(a, b);
    lo = _mm256_unpacklo_epi16(low, high);
    hi = _mm256_unpackhi_epi16(low, high);
  }
  static I32 multiply_add_pairs(I16 a, I16 b) { return _mm256_madd_epi16(a, b); }
  static I32 add_products_of_pairs(I32 sums, I16 a, I16 b) { return sums + multiply_add_pairs(a, b); }
  static I32 add_pairs(I32 sums, I16 a) { return sums + multiply_add_pairs(a, set16(1)); }
  static I32 add_codes(I32 sums, Codes a) { return sums + I32(_mm256_sad_epu8(a, _mm256_setzero_si256())); }
  static I32 load16_as_32(const void* p) {
    return _mm256_cvtepi16_epi32(_mm_loadu_si128(static_cast<const __m128i*>(p)));
  }
  static I32 load_u8_as_32(const void* p) {
    return _mm256_cvtepu8_epi32(_mm_loadl_epi64(static_cast<const __m128i*>(p)));
  }
  static std::int32_t reduce_max32(I32 a) {
    __m128i x = _mm_max_epi32(_mm256_castsi256_si128(a), _mm256_extracti128_si256(a, 1));
    x = _mm_max_epi32(x, _mm_shuffle_epi32(x, 0x4e));
    x = _mm_max_epi32(x, _mm_shuffle_epi32(x, 0xb1));
    return _mm_cvtsi128_si32(x);
  }
  static std::int32_t reduce_add32(I32 a) {
    __m128i x = _mm_add_epi32(_mm256_castsi256_si128(a), _mm256_extracti128_si256(a, 1));
    x = _mm_add_epi32(x, _mm_shuffle_epi32(x, 0x4e));
    x = _mm_add_epi32(x, _mm_shuffle_epi32(x, 0xb1));
    return _mm_cvtsi128_si32(x);
  }
  template <typename Both>
  static void reduce_four(std::int32_t* dst, const I32 (&v)[4], const Both& both) {
    const auto join = [&](__m256i a, __m256i b) { return both(I32(a), I32(b)); };
    const I32 v01 = join(_mm256_unpacklo_epi32(v[0], v[1]), _mm256_unpackhi_epi32(v[0], v[1]));
    const I32 v23 = join(_mm256_unpacklo_epi32(v[2], v[3]), _mm256_unpackhi_epi32(v[2], v[3]));
    const I32 lanes = join(_mm256_unpacklo_epi64(v01, v23), _mm256_unpackhi_epi64(v01, v23));
    const I32 all = join(lanes, _mm256_permute2x128_si256(lanes, lanes, 1));
    _mm_storeu_si128(reinterpret_cast<__m128i*>(dst), _mm256_castsi256_si128(all));
  }
  static I64 load16_as_64(const void* p) {
    return _mm256_cvtepi16_epi64(_mm_loadl_epi64(static_cast<const __m128i*>(p)));
  }
  static I64 min64(I64 a, I64 b) { return _mm256_blendv_epi8(a, b, _mm256_cmpgt_epi64(a, b)); }
  static I64 square32(I64 a) { return _mm256_mul_epi32(a, a); }
  template <int n>
  static void store_low_bits_as_16(void* p, I64 a) {
    const __m256i low = a & I64((1 << n) - 1);
    const __m128i halves = _mm_packus_epi32(_mm256_castsi256_si128(low), _mm256_extracti128_si256(low, 1));
    _mm_storel_epi64(static_cast<__m128i*>(p), _mm_packus_epi32(halves, halves));
  }
  static std::uint64_t reduce_add64(U64 sums) {
    const __m128i x = _mm_add_epi64(_mm256_castsi256_si128(sums), _mm256_extracti128_si256(sums, 1));
    return static_cast<std::uint64_t>(_mm_cvtsi128_si64(x)) + static_cast<std::uint64_t>(_mm_extract_epi64(x, 1));
  }

  static I16 pack32(I32 lo, I32 hi) { return _mm256_permute4x64_epi64(_mm256_packs_epi32(lo, hi), 0xd8); }
  static I16 to_lane_order(I16 v) { return _mm256_permute4x64_epi64(v, 0xd8); }
  static I16 pack32_in_lanes(I32 lo, I32 hi) { return _mm256_packs_epi32(lo, hi); }
  static U16 pack32_u_in_lanes(I32 lo, I32 hi) { return _mm256_packus_epi32(lo, hi); }
  static Codes lane_codes(I16 a, I16 b) {
    return _mm256_permutevar8x32_epi32(_mm256_packus_epi16(a, b), _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7));
  }
  template <bool kHalf>
  static void store_codes_of_first(void* p, Codes codes) {
    if constexpr (kHalf) {
      _mm_storel_epi64(static_cast<__m128i*>(p), _mm256_castsi256_si128(codes));
    } else {
      _mm_storeu_si128(static_cast<__m128i*>(p), _mm256_castsi256_si128(codes));
    }
  }
  template <bool kHalf>
  static void store_codes_of_both(void* p, void* q, Codes codes) {
    store_codes_of_first<kHalf>(p, codes);
    store_codes_of_first<kHalf>(q, _mm256_castsi128_si256(_mm256_extracti128_si256(codes, 1)));
  }

  static I16 pairs_lo(I16 a, I16 b) { return _mm256_unpacklo_epi16(a, b); }
  static I16 pairs_hi(I16 a, I16 b) { return _mm256_unpackhi_epi16(a, b); }

  static __m128i to_codes(I16 v) { return _mm_packus_epi16(_mm256_castsi256_si128(v), _mm256_extracti128_si256(v, 1)); }
  static void store_codes(void* p, I16 v) { _mm_storeu_si128(static_cast<__m128i*>(p), to_codes(v)); }

  static std::int16_t reduce_min16(I16 a) {
    const __m128i bias = _mm_set1_epi16(-32768);  // phminposuw is for unsigned values
    const __m128i x = _mm_min_epi16(_mm256_castsi256_si128(a), _mm256_extracti128_si256(a, 1));
    return static_cast<std::int16_t>(_mm_cvtsi128_si32(_mm_xor_si128(_mm_minpos_epu16(_mm_xor_si128(x, bias)), bias)));
  }
  static std::int16_t reduce_max16(I16 a) {  // -1 - a reverses the order
    return static_cast<std::int16_t>(-1 - reduce_min16(_mm256_xor_si256(a, _mm256_set1_epi16(-1))));
  }
  static void store_low_bytes(void* p, I16 v) { store_codes(p, _mm256_and_si256(v, _mm256_set1_epi16(0xff))); }
  static void store_high_bytes(void* p, I16 v) { store_codes(p, _mm256_srli_epi16(v, 8)); }
};

}  // namespace
}  // namespace intvit::kernels
