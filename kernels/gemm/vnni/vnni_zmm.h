// What multiply_vnni.h needs, on 512-bit registers.
#pragma once

#include "kernels/gemm/tiles.h"
#include "kernels/simd/tables_avx512.h"

namespace intvit::kernels {
namespace {

struct VnniZmm {
  using Simd = Avx512;
  static constexpr int kRows = 12;      // 24 of 32 registers are sums
  static constexpr int kHighRows = 14;  // 28

  // gcc 12 is known to spill arrays of accumulators that _mm512_dpbusd_epi32 updates; as inline assembly they stay in
  // registers.
  static void dot_u8s8(__m512i& sum, __m512i a, __m512i b) { asm("vpdpbusd %2, %1, %0" : "+v"(sum) : "v"(a), "v"(b)); }
  static void dot_u8s8(Simd::I32& sum, __m512i a, __m512i b) { dot_u8s8(sum.data, a, b); }

  template <int kBits>
  static Simd::I32 shift_left(Simd::I32 a) {
    return _mm512_slli_epi32(a, kBits);
  }

  // The zero point of every column of a panel four times over, as its four k lie side by side.
  static __m512i spread_zero_points(const std::uint8_t* zero_points) {
    return _mm512_mullo_epi32(Avx512::load_u8_as_32(zero_points), _mm512_set1_epi32(0x01010101));
  }

  // Two groups of a panel, of nibbles -> the same as bytes.
  struct TwoGroups {
    __m512i first, second;
  };
  static TwoGroups expand_two_groups(const std::uint8_t* nibbles, __m512i spread_zero_points) {
    const __m512i mask = _mm512_set1_epi8(15);
    const __m512i both = _mm512_loadu_si512(nibbles);
    const __m512i high = _mm512_and_si512(_mm512_srli_epi16(both, 4), mask);
    return {_mm512_sub_epi8(_mm512_and_si512(both, mask), spread_zero_points),
            _mm512_sub_epi8(high, spread_zero_points)};
  }
  static void expand_groups(const std::uint8_t* nibbles, __m512i spread_zero_points, std::uint8_t* dst) {
    const TwoGroups groups = expand_two_groups(nibbles, spread_zero_points);
    _mm512_storeu_si512(dst, groups.first);
    _mm512_storeu_si512(dst + kGroupBytes, groups.second);
  }

  // Nibble tiles of one panel -> 8-bit tiles.
  static void expand_panel(const std::uint8_t* nibbles, const std::uint8_t* zero_points, int k, std::uint8_t* dst) {
    const __m512i zeros = spread_zero_points(zero_points);
    for (int g = 0; g < k; g += 2 * kGroupDepth, nibbles += kGroupBytes, dst += 2 * kGroupBytes) {
      expand_groups(nibbles, zeros, dst);
    }
  }
};

}  // namespace
}  // namespace intvit::kernels
