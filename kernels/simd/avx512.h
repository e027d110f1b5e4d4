// The vector operations that the kernels' shared algorithms (*_simd.h) are written in, on AVX-512 F/BW/DQ/VL.
// Elements are always in natural order: packing and widening hide the lanes of the hardware.
#pragma once

#include <immintrin.h>

#include <cstdint>

namespace intvit::kernels {
namespace {

struct Avx512 {
  using I16 = __m512i;    // 32 x 16 bits
  using I32 = __m512i;    // 16 x 32 bits
  using Codes = __m512i;  // 64 x 8 bits
  static constexpr int kLanes16 = 32;
  static constexpr int kLanes32 = 16;

  static I16 load16(const void* p) { return _mm512_loadu_si512(p); }
  static I32 load32(const void* p) { return _mm512_loadu_si512(p); }
  static void store16(void* p, I16 v) { _mm512_storeu_si512(p, v); }
  static void store32(void* p, I32 v) { _mm512_storeu_si512(p, v); }
  // Lower half of a vector: 16 x 16 bits; the upper half reads as zero.
  static I16 load16_half(const void* p) {
    return _mm512_zextsi256_si512(_mm256_loadu_si256(static_cast<const __m256i*>(p)));
  }
  static void store16_half(void* p, I16 v) { _mm256_storeu_si256(static_cast<__m256i*>(p), _mm512_castsi512_si256(v)); }

  static I16 zero() { return _mm512_setzero_si512(); }
  static I16 set16(std::int16_t x) { return _mm512_set1_epi16(x); }
  static I32 set32(std::int32_t x) { return _mm512_set1_epi32(x); }

  static I16 add16(I16 a, I16 b) { return _mm512_add_epi16(a, b); }
  static I16 sub16(I16 a, I16 b) { return _mm512_sub_epi16(a, b); }
  static I16 adds16(I16 a, I16 b) { return _mm512_adds_epi16(a, b); }
  static I16 subs16(I16 a, I16 b) { return _mm512_subs_epi16(a, b); }
  static I16 max16(I16 a, I16 b) { return _mm512_max_epi16(a, b); }
  static I16 min16(I16 a, I16 b) { return _mm512_min_epi16(a, b); }
  static I16 min_u16(I16 a, I16 b) { return _mm512_min_epu16(a, b); }
  static I16 abs16(I16 a) { return _mm512_abs_epi16(a); }
  static I16 and16(I16 a, I16 b) { return _mm512_and_si512(a, b); }
  static I16 multiply_q15(I16 a, I16 b) { return _mm512_mulhrs_epi16(a, b); }
  static I16 multiply_low16(I16 a, I16 b) { return _mm512_mullo_epi16(a, b); }
  static I16 multiply_high_u16(I16 a, I16 b) { return _mm512_mulhi_epu16(a, b); }
  static I16 shift_left16(I16 a, int n) { return _mm512_sll_epi16(a, _mm_cvtsi32_si128(n)); }
  static I16 shift_right_u16(I16 a, int n) { return _mm512_srl_epi16(a, _mm_cvtsi32_si128(n)); }
  // The same for many vectors. A count per element is one micro-operation less on Intel's CPUs than one for all.
  struct Shift16 {
    __m512i counts;
    explicit Shift16(int n) : counts(_mm512_set1_epi16(static_cast<std::int16_t>(n))) {}
    I16 left(I16 a) const { return _mm512_sllv_epi16(a, counts); }
    I16 right_u16(I16 a) const { return _mm512_srlv_epi16(a, counts); }
  };
  // (a + 1) >> 1 of unsigned values.
  static I16 halve_up_u16(I16 a) { return _mm512_avg_epu16(a, _mm512_setzero_si512()); }
  // a >> (6 + n), element by element; 0 where 6 + n >= 16. n in 0..31.
  static I16 shift_right_by_6_plus(I16 a, I16 n) {
    return _mm512_srlv_epi16(a, _mm512_add_epi16(n, _mm512_set1_epi16(6)));
  }
  // round(a / 2^n), element by element, for a in 0..32767; 0 where n >= 16. n in 0..31.
  static I16 rounded_shift15_each(I16 a, I16 n) { return halve_up_u16(_mm512_srlv_epi16(_mm512_add_epi16(a, a), n)); }

  static I32 add32(I32 a, I32 b) { return _mm512_add_epi32(a, b); }
  static I32 sub32(I32 a, I32 b) { return _mm512_sub_epi32(a, b); }
  static I32 max32(I32 a, I32 b) { return _mm512_max_epi32(a, b); }
  static I32 shift_left32_each(I32 a, I32 n) { return _mm512_sllv_epi32(a, n); }
  static I32 shift_right32_each(I32 a, I32 n) { return _mm512_srav_epi32(a, n); }
  static I32 shift_right_u32_each(I32 a, I32 n) { return _mm512_srlv_epi32(a, n); }
  static I32 multiply_add_pairs(I16 a, I16 b) { return _mm512_madd_epi16(a, b); }
  // sums + the sums of pairs of a.
  static I32 add_pairs(I32 sums, I16 a) { return _mm512_dpwssd_epi32(sums, a, _mm512_set1_epi16(1)); }
  static I32 load_u8_as_32(const void* p) {
    return _mm512_cvtepu8_epi32(_mm_loadu_si128(static_cast<const __m128i*>(p)));
  }
  static std::int32_t reduce_max32(I32 a) { return _mm512_reduce_max_epi32(a); }
  static std::int32_t reduce_add32(I32 a) { return _mm512_reduce_add_epi32(a); }
  using I64 = __m512i;  // 8 x 64 bits
  static constexpr int kLanes64 = 8;
  static I64 load16_as_64(const void* p) {
    return _mm512_cvtepi16_epi64(_mm_loadu_si128(static_cast<const __m128i*>(p)));
  }
  static I64 set64(std::int64_t x) { return _mm512_set1_epi64(x); }
  static I64 add64(I64 a, I64 b) { return _mm512_add_epi64(a, b); }
  static I64 sub64(I64 a, I64 b) { return _mm512_sub_epi64(a, b); }
  static I64 min64(I64 a, I64 b) { return _mm512_min_epi64(a, b); }
  template <int n>
  static I64 shift_left64(I64 a) {
    return _mm512_slli_epi64(a, n);
  }
  // Of elements that fit 32 bits.
  static I64 square32(I64 a) { return _mm512_mul_epi32(a, a); }
  // The lowest n <= 15 bits of each.
  template <int n>
  static void store_low_bits_as_16(void* p, I64 a) {
    _mm_storeu_si128(static_cast<__m128i*>(p), _mm512_cvtepi64_epi16(_mm512_and_si512(a, set64((1 << n) - 1))));
  }
  // 64-bit partial sums of unsigned 32-bit elements.
  static I32 accumulate_u32(I32 sums64, I32 a) {
    const __m512i low = _mm512_and_si512(a, _mm512_set1_epi64(0xffffffff));
    return _mm512_add_epi64(sums64, _mm512_add_epi64(low, _mm512_srli_epi64(a, 32)));
  }
  static std::uint64_t reduce_add64(I32 sums64) { return static_cast<std::uint64_t>(_mm512_reduce_add_epi64(sums64)); }

  // 32 -> 16 bits with signed saturation.
  static I16 pack32(I32 lo, I32 hi) {
    return _mm512_permutexvar_epi64(_mm512_setr_epi64(0, 2, 4, 6, 1, 3, 5, 7), _mm512_packs_epi32(lo, hi));
  }
  // *Lane order* is that in which the packing instructions leave elements: each 128-bit lane has four of `lo`, then
  // four of `hi`. Where order does not matter before codes are stored, this saves a permutation per vector.
  static I16 to_lane_order(I16 v) { return _mm512_permutexvar_epi64(_mm512_setr_epi64(0, 4, 1, 5, 2, 6, 3, 7), v); }
  static I16 pack32_in_lanes(I32 lo, I32 hi) { return _mm512_packs_epi32(lo, hi); }
  static I16 pack32_u_in_lanes(I32 lo, I32 hi) { return _mm512_packus_epi32(lo, hi); }
  // Two vectors in lane order -> the codes of one, then those of the other, in natural order, with unsigned saturation.
  static Codes lane_codes(I16 a, I16 b) {
    return _mm512_permutexvar_epi32(_mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15),
                                    _mm512_packus_epi16(a, b));
  }
  static Codes set_codes(int code) { return _mm512_set1_epi8(static_cast<char>(code)); }
  static Codes min_codes(Codes a, Codes b) { return _mm512_min_epu8(a, b); }
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

  // (a[i], b) pairs of 16 bits as 32-bit elements, natural order.
  static void pair_with(I16 a, std::int16_t b, I32& lo, I32& hi) {
    const __m512i high = _mm512_set1_epi32(static_cast<std::int32_t>(static_cast<std::uint32_t>(b) << 16));
    lo = _mm512_or_si512(_mm512_cvtepu16_epi32(_mm512_castsi512_si256(a)), high);
    hi = _mm512_or_si512(_mm512_cvtepu16_epi32(_mm512_extracti64x4_epi64(a, 1)), high);
  }

  // 16 bits -> 32 codes with unsigned saturation.
  static __m256i to_codes(I16 v) { return _mm512_cvtusepi16_epi8(_mm512_max_epi16(v, _mm512_setzero_si512())); }
  static void store_codes(void* p, I16 v) { _mm256_storeu_si256(static_cast<__m256i*>(p), to_codes(v)); }

  // A table of 64 pairs of 16-bit entries (first, second), looked up by 32 indices at once.
  struct PairTable {
    __m512i first[2], second[2];

    PairTable(const std::int16_t* firsts, const std::int16_t* seconds) {
      for (int i = 0; i < 2; ++i) {
        first[i] = _mm512_loadu_si512(firsts + 32 * i);
        second[i] = _mm512_loadu_si512(seconds + 32 * i);
      }
    }
    void look_up(I16 index, I16& first_out, I16& second_out) const {
      first_out = _mm512_permutex2var_epi16(first[0], index, first[1]);
      second_out = _mm512_permutex2var_epi16(second[0], index, second[1]);
    }
    void look_up(I16 index0, I16 index1, I16& first0, I16& second0, I16& first1, I16& second1) const {
      look_up(index0, first0, second0);
      look_up(index1, first1, second1);
    }
  };

  // A value for each of up to kLevels ranges: look_up gives values[k] where k of the ascending thresholds are <= x.
  // Both arrays have kLevels entries; the last threshold is not looked at, and those from levels - 1 on must be 32767,
  // which no x may be.
  //
  // A binary search that begins near its end: x is in one of as many segments as registers hold, and only the
  // thresholds within it have to be searched. Those of real quantizers are one or two for 16 levels, up to seven
  // for 64.
  struct StepTable {
    static constexpr int kLevels = 64;
    static constexpr int kMaxSteps = 6;
    // What is known to be reached in a segment; then `at` counts reached thresholds, and the probe is the last of the
    // next 2^step, which is entry `at` of probes[step].
    __m512i first[2], probes[kMaxSteps][2], values[2];
    __m512i last_of_segments, segment_shift;
    int levels, steps;

    StepTable() = default;
    StepTable(const std::int16_t* thresholds, const std::int16_t* values_in, int levels_in) : levels(levels_in) {
      const int segments = levels <= kLanes16 ? kLanes16 : kLevels;
      int last = levels - 1;  // thresholds that some x reaches
      while (last > 0 && thresholds[last - 1] == 32767) --last;
      const int top = last > 0 && thresholds[last - 1] > 0 ? thresholds[last - 1] : 0;
      int shift = 0;
      while (top >> shift >= segments) ++shift;
      std::int16_t firsts[kLevels];
      int reached = 0, most = 0;
      for (int segment = 0; segment < segments; ++segment) {
        while (reached < last && thresholds[reached] < segment << shift) ++reached;
        firsts[segment] = static_cast<std::int16_t>(reached);
        const int within = reached - firsts[segment > 0 ? segment - 1 : 0];
        most = within > most ? within : most;
      }
      most = last - reached > most ? last - reached : most;
      steps = 0;
      while (most >> steps != 0) ++steps;
      last_of_segments = set16(static_cast<std::int16_t>((segments << shift) - 1));
      segment_shift = set16(static_cast<std::int16_t>(shift));
      for (int segment = segments; segment < kLevels; ++segment) firsts[segment] = 0;  // never looked at
      std::int16_t padded[2 * kLevels];
      for (int k = 0; k < kLevels; ++k) padded[k] = thresholds[k];
      for (int k = kLevels - 1; k < 2 * kLevels; ++k) padded[k] = 32767;
      for (int i = 0; i < 2; ++i) {
        first[i] = load16(firsts + kLanes16 * i);
        for (int step = 0; step < kMaxSteps; ++step) probes[step][i] = load16(padded + (1 << step) - 1 + kLanes16 * i);
        values[i] = load16(values_in + kLanes16 * i);
      }
    }
    // Calls use(look_up) with the function that is fastest for this table.
    template <typename Use>
    void with_look_up(Use&& use) const {
      if (levels <= 32) {
        if (steps <= 1) return use([this](I16 x) { return look_up<false, 1>(x); });
        if (steps <= 2) return use([this](I16 x) { return look_up<false, 2>(x); });
        return use([this](I16 x) { return look_up<false, 5>(x); });
      }
      if (steps <= 1) return use([this](I16 x) { return look_up<true, 1>(x); });
      if (steps <= 3) return use([this](I16 x) { return look_up<true, 3>(x); });
      use([this](I16 x) { return look_up<true, kMaxSteps>(x); });
    }
    template <bool kBoth, int kSteps>
    I16 look_up(I16 x) const {
      I16 at = entries<kBoth>(first, _mm512_srlv_epi16(max16(min16(x, last_of_segments), zero()), segment_shift));
#pragma GCC unroll 6
      for (int step = kSteps - 1; step >= 0; --step) {
        const __mmask32 reached = _mm512_cmple_epi16_mask(entries<kBoth>(probes[step], at), x);
        at = _mm512_mask_add_epi16(at, reached, at, set16(static_cast<std::int16_t>(1 << step)));
      }
      return entries<kBoth>(values, at);
    }
    template <bool kBoth>
    static I16 entries(const __m512i (&table)[2], I16 index) {
      if constexpr (kBoth) return _mm512_permutex2var_epi16(table[0], index, table[1]);
      return _mm512_permutexvar_epi16(index, table[0]);
    }
  };

  // Per element: a bit here, ones or zeros throughout on AVX2.
  using Mask16 = __mmask32;
  static Mask16 outside16(I16 a, I16 low, I16 high) {
    return _mm512_cmplt_epi16_mask(a, low) | _mm512_cmpgt_epi16_mask(a, high);
  }
  static I16 select16(Mask16 mask, I16 a, I16 b) { return _mm512_mask_blend_epi16(mask, b, a); }
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
