// The vector operations that the kernels' shared algorithms (*_simd.h) are written in, on AVX2. See simd/avx512.h,
// which has the same members; here a vector has half as many elements.
#pragma once

#include <immintrin.h>

#include <cstdint>

namespace intvit::kernels {
namespace {

struct Avx2 {
  using I16 = __m256i;    // 16 x 16 bits
  using I32 = __m256i;    // 8 x 32 bits
  using Codes = __m256i;  // 32 x 8 bits
  static constexpr int kLanes16 = 16;
  static constexpr int kLanes32 = 8;

  static __m256i load(const void* p) { return _mm256_loadu_si256(static_cast<const __m256i*>(p)); }
  static void store(void* p, __m256i v) { _mm256_storeu_si256(static_cast<__m256i*>(p), v); }
  static I16 load16(const void* p) { return load(p); }
  static I32 load32(const void* p) { return load(p); }
  static void store16(void* p, I16 v) { store(p, v); }
  static void store32(void* p, I32 v) { store(p, v); }
  static I16 load16_half(const void* p) {
    return _mm256_zextsi128_si256(_mm_loadu_si128(static_cast<const __m128i*>(p)));
  }
  static void store16_half(void* p, I16 v) { _mm_storeu_si128(static_cast<__m128i*>(p), _mm256_castsi256_si128(v)); }

  static I16 zero() { return _mm256_setzero_si256(); }
  static I16 set16(std::int16_t x) { return _mm256_set1_epi16(x); }
  static I32 set32(std::int32_t x) { return _mm256_set1_epi32(x); }

  static I16 add16(I16 a, I16 b) { return _mm256_add_epi16(a, b); }
  static I16 sub16(I16 a, I16 b) { return _mm256_sub_epi16(a, b); }
  static I16 adds16(I16 a, I16 b) { return _mm256_adds_epi16(a, b); }
  static I16 subs16(I16 a, I16 b) { return _mm256_subs_epi16(a, b); }
  static I16 max16(I16 a, I16 b) { return _mm256_max_epi16(a, b); }
  static I16 min16(I16 a, I16 b) { return _mm256_min_epi16(a, b); }
  static I16 min_u16(I16 a, I16 b) { return _mm256_min_epu16(a, b); }
  static I16 abs16(I16 a) { return _mm256_abs_epi16(a); }
  static I16 and16(I16 a, I16 b) { return _mm256_and_si256(a, b); }
  static I16 multiply_q15(I16 a, I16 b) { return _mm256_mulhrs_epi16(a, b); }
  static I16 multiply_low16(I16 a, I16 b) { return _mm256_mullo_epi16(a, b); }
  static I16 multiply_high_u16(I16 a, I16 b) { return _mm256_mulhi_epu16(a, b); }
  static I16 shift_left16(I16 a, int n) { return _mm256_sll_epi16(a, _mm_cvtsi32_si128(n)); }
  static I16 shift_right_u16(I16 a, int n) { return _mm256_srl_epi16(a, _mm_cvtsi32_si128(n)); }
  struct Shift16 {
    __m128i count;
    explicit Shift16(int n) : count(_mm_cvtsi32_si128(n)) {}
    I16 left(I16 a) const { return _mm256_sll_epi16(a, count); }
    I16 right_u16(I16 a) const { return _mm256_srl_epi16(a, count); }
  };
  static I16 halve_up_u16(I16 a) { return _mm256_avg_epu16(a, _mm256_setzero_si256()); }
  // AVX2 has no 16-bit shift by a vector: a >> (6 + n) = (a * 2^(10 - n)) >> 16, with the power from two byte shuffles.
  static I16 shift_right_by_6_plus(I16 a, I16 n) {
    const __m256i low_bytes = _mm256_setr_epi8(0, 0, 0, -128, 64, 32, 16, 8, 4, 2, 1, 0, 0, 0, 0, 0,  //
                                               0, 0, 0, -128, 64, 32, 16, 8, 4, 2, 1, 0, 0, 0, 0, 0);
    const __m256i high_bytes = _mm256_setr_epi8(4, 2, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,  //
                                                4, 2, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0);
    const __m256i clamped = _mm256_min_epu16(n, _mm256_set1_epi16(15));
    const __m256i low = _mm256_shuffle_epi8(low_bytes, clamped);  // the high byte looks up entry 0, which is 0
    const __m256i high_index = _mm256_or_si256(_mm256_slli_epi16(clamped, 8), _mm256_set1_epi16(0x80));
    const __m256i high = _mm256_shuffle_epi8(high_bytes, high_index);
    return _mm256_mulhi_epu16(a, _mm256_or_si256(low, high));
  }
  // Likewise round(a / 2^n) = multiply_q15(a, 2^(15 - n)); for n = 0 the factor is -32768 and the result -a.
  static I16 rounded_shift15_each(I16 a, I16 n) {
    const __m256i low_bytes = _mm256_setr_epi8(0, 0, 0, 0, 0, 0, 0, 0, -128, 64, 32, 16, 8, 4, 2, 1,  //
                                               0, 0, 0, 0, 0, 0, 0, 0, -128, 64, 32, 16, 8, 4, 2, 1);
    const __m256i high_bytes = _mm256_setr_epi8(-128, 64, 32, 16, 8, 4, 2, 1, 0, 0, 0, 0, 0, 0, 0, 0,  //
                                                -128, 64, 32, 16, 8, 4, 2, 1, 0, 0, 0, 0, 0, 0, 0, 0);
    // From 16 on the top bit of the index is set, which looks up 0.
    const __m256i factor = shuffle_16(low_bytes, high_bytes, _mm256_add_epi16(n, _mm256_set1_epi16(0x70)));
    return _mm256_abs_epi16(_mm256_mulhrs_epi16(a, factor));
  }
  // 16-bit elements of 16 low and 16 high bytes, looked up by the low four bits.
  static I16 shuffle_16(__m256i low_bytes, __m256i high_bytes, I16 index) {
    // A byte of an index whose top bit is set looks up 0.
    const __m256i low = _mm256_shuffle_epi8(low_bytes, _mm256_or_si256(index, _mm256_set1_epi16(-32768)));
    const __m256i high_index = _mm256_or_si256(_mm256_slli_epi16(index, 8), _mm256_set1_epi16(0x80));
    return _mm256_or_si256(low, _mm256_shuffle_epi8(high_bytes, high_index));
  }

  static I32 add32(I32 a, I32 b) { return _mm256_add_epi32(a, b); }
  static I32 sub32(I32 a, I32 b) { return _mm256_sub_epi32(a, b); }
  static I32 max32(I32 a, I32 b) { return _mm256_max_epi32(a, b); }
  static I32 shift_left32_each(I32 a, I32 n) { return _mm256_sllv_epi32(a, n); }
  static I32 shift_right32_each(I32 a, I32 n) { return _mm256_srav_epi32(a, n); }
  static I32 shift_right_u32_each(I32 a, I32 n) { return _mm256_srlv_epi32(a, n); }
  static I32 multiply_add_pairs(I16 a, I16 b) { return _mm256_madd_epi16(a, b); }
  static I32 add_pairs(I32 sums, I16 a) { return add32(sums, multiply_add_pairs(a, set16(1))); }
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
  using I64 = __m256i;  // 4 x 64 bits
  static constexpr int kLanes64 = 4;
  static I64 load16_as_64(const void* p) {
    return _mm256_cvtepi16_epi64(_mm_loadl_epi64(static_cast<const __m128i*>(p)));
  }
  static I64 set64(std::int64_t x) { return _mm256_set1_epi64x(x); }
  static I64 add64(I64 a, I64 b) { return _mm256_add_epi64(a, b); }
  static I64 sub64(I64 a, I64 b) { return _mm256_sub_epi64(a, b); }
  static I64 min64(I64 a, I64 b) { return _mm256_blendv_epi8(a, b, _mm256_cmpgt_epi64(a, b)); }
  template <int n>
  static I64 shift_left64(I64 a) {
    return _mm256_slli_epi64(a, n);
  }
  static I64 square32(I64 a) { return _mm256_mul_epi32(a, a); }
  template <int n>
  static void store_low_bits_as_16(void* p, I64 a) {
    const __m256i low = _mm256_and_si256(a, set64((1 << n) - 1));
    const __m128i halves = _mm_packus_epi32(_mm256_castsi256_si128(low), _mm256_extracti128_si256(low, 1));
    _mm_storel_epi64(static_cast<__m128i*>(p), _mm_packus_epi32(halves, halves));
  }
  static I32 accumulate_u32(I32 sums64, I32 a) {
    const __m256i low = _mm256_and_si256(a, _mm256_set1_epi64x(0xffffffff));
    return _mm256_add_epi64(sums64, _mm256_add_epi64(low, _mm256_srli_epi64(a, 32)));
  }
  static std::uint64_t reduce_add64(I32 sums64) {
    const __m128i x = _mm_add_epi64(_mm256_castsi256_si128(sums64), _mm256_extracti128_si256(sums64, 1));
    return static_cast<std::uint64_t>(_mm_cvtsi128_si64(x)) + static_cast<std::uint64_t>(_mm_extract_epi64(x, 1));
  }

  static I16 pack32(I32 lo, I32 hi) { return _mm256_permute4x64_epi64(_mm256_packs_epi32(lo, hi), 0xd8); }
  static I16 to_lane_order(I16 v) { return _mm256_permute4x64_epi64(v, 0xd8); }
  static I16 pack32_in_lanes(I32 lo, I32 hi) { return _mm256_packs_epi32(lo, hi); }
  static I16 pack32_u_in_lanes(I32 lo, I32 hi) { return _mm256_packus_epi32(lo, hi); }
  static Codes lane_codes(I16 a, I16 b) {
    return _mm256_permutevar8x32_epi32(_mm256_packus_epi16(a, b), _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7));
  }
  static Codes set_codes(int code) { return _mm256_set1_epi8(static_cast<char>(code)); }
  static Codes min_codes(Codes a, Codes b) { return _mm256_min_epu8(a, b); }
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

  static void pair_with(I16 a, std::int16_t b, I32& lo, I32& hi) {
    const __m256i high = _mm256_set1_epi32(static_cast<std::int32_t>(static_cast<std::uint32_t>(b) << 16));
    lo = _mm256_or_si256(_mm256_cvtepu16_epi32(_mm256_castsi256_si128(a)), high);
    hi = _mm256_or_si256(_mm256_cvtepu16_epi32(_mm256_extracti128_si256(a, 1)), high);
  }

  static __m128i to_codes(I16 v) { return _mm_packus_epi16(_mm256_castsi256_si128(v), _mm256_extracti128_si256(v, 1)); }
  static void store_codes(void* p, I16 v) { _mm_storeu_si128(static_cast<__m128i*>(p), to_codes(v)); }

  // AVX2 cannot permute 64 entries, and gathering them is slow. So an entry is looked up byte by byte, in four tables
  // of 16 bytes, of which the three that are not meant give 0.
  struct PairTable {
    // Low and high bytes of the first entries, then of the second ones; sixteen entries in both halves of a vector.
    std::uint8_t bytes[4][4][32];

    PairTable(const std::int16_t* firsts, const std::int16_t* seconds) {
      for (int i = 0; i < 64; ++i) {
        const std::uint16_t entries[2] = {static_cast<std::uint16_t>(firsts[i]),
                                          static_cast<std::uint16_t>(seconds[i])};
        for (int plane = 0; plane < 4; ++plane) {
          const auto byte = static_cast<std::uint8_t>(entries[plane / 2] >> (plane % 2 * 8));
          bytes[plane][i / 16][i % 16] = bytes[plane][i / 16][i % 16 + 16] = byte;
        }
      }
    }
    // Of two vectors of indices at once, since those of one are half as many as bytes fit.
    void look_up(I16 index0, I16 index1, I16& first0, I16& second0, I16& first1, I16& second1) const {
      const __m256i index = _mm256_packus_epi16(index0, index1);
      __m256i found[4] = {zero(), zero(), zero(), zero()};
#pragma GCC unroll 4
      for (int i = 0; i < 4; ++i) {
        // 0x70 to 0x7f for the sixteen entries of this table; a byte whose top bit is set looks up 0.
        const __m256i within = _mm256_add_epi8(_mm256_xor_si256(index, _mm256_set1_epi8(static_cast<char>(16 * i))),
                                               _mm256_set1_epi8(0x70));
#pragma GCC unroll 4
        for (int plane = 0; plane < 4; ++plane) {
          found[plane] = _mm256_or_si256(found[plane], _mm256_shuffle_epi8(load(bytes[plane][i]), within));
        }
      }
      first0 = _mm256_unpacklo_epi8(found[0], found[1]);
      first1 = _mm256_unpackhi_epi8(found[0], found[1]);
      second0 = _mm256_unpacklo_epi8(found[2], found[3]);
      second1 = _mm256_unpackhi_epi8(found[2], found[3]);
    }
    void look_up(I16 index, I16& first, I16& second) const { look_up(index, index, first, second, first, second); }
  };

  // Few levels, as all thresholds are compared with.
  struct StepTable {
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
      const __m256i all = load(values);
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
      __m256i level = zero();
      for (int k = 0; k < rounded_up; k += kUnrolled) {
#pragma GCC unroll 5
        for (int i = 0; i < kUnrolled; ++i) level = _mm256_sub_epi16(level, _mm256_cmpgt_epi16(x, below[k + i]));
      }
      return shuffle_16(low_bytes, high_bytes, level);
    }
  };

  using Mask16 = __m256i;
  static Mask16 outside16(I16 a, I16 low, I16 high) {
    return _mm256_or_si256(_mm256_cmpgt_epi16(low, a), _mm256_cmpgt_epi16(a, high));
  }
  static I16 select16(Mask16 mask, I16 a, I16 b) { return _mm256_blendv_epi8(b, a, mask); }
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
