// What multiply_vnni.h needs, on 256-bit registers.
#pragma once

#include "kernels/gemm/avx2/expand_panel_avx2.h"
#include "kernels/simd/tables_avx2.h"

// AVX-VNNI and AVX-512 VL encode the same instruction in two ways. The tests ask for the other one, to run this code on
// CPUs that have AVX-512 only.
#ifdef VIT_EVEX_ENCODING
#define VIT_VPDPBUSD_YMM "%{evex%} vpdpbusd"
#else
#define VIT_VPDPBUSD_YMM "%{vex%} vpdpbusd"
#endif

namespace intvit::kernels {
namespace {

struct VnniYmm {
  using Simd = Avx2;
  static constexpr int kRows = 6;      // 12 of 16 registers are sums
  static constexpr int kHighRows = 0;  // there are no more

  static void dot_u8s8(Simd::I32& sum, __m256i a, __m256i b) {
    asm(VIT_VPDPBUSD_YMM " %2, %1, %0" : "+x"(sum.data) : "x"(a), "x"(b));
  }

  template <int kBits>
  static Simd::I32 shift_left(Simd::I32 a) {
    return _mm256_slli_epi32(a, kBits);
  }

  static void expand_panel(const std::uint8_t* nibbles, const std::uint8_t* zero_points, int k, std::uint8_t* dst) {
    expand_panel_avx2(nibbles, zero_points, k, dst);
  }
};

}  // namespace
}  // namespace intvit::kernels
