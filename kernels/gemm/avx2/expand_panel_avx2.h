// Nibble tiles of one panel -> 8-bit tiles, on AVX2.
#pragma once

#include "kernels/gemm/tiles.h"
#include "kernels/simd/avx2.h"
#include "kernels/simd/ymm.h"

namespace intvit::kernels {
namespace {

inline void expand_panel_avx2(const std::uint8_t* nibbles, const std::uint8_t* zero_points, int k, std::uint8_t* dst) {
  const __m256i repeat = _mm256_set1_epi32(0x01010101);
  const __m256i zero[2] = {_mm256_mullo_epi32(Avx2::load_u8_as_32(zero_points), repeat),
                           _mm256_mullo_epi32(Avx2::load_u8_as_32(zero_points + 8), repeat)};
  const __m256i mask = _mm256_set1_epi8(15);
  for (int g = 0; g < k; g += 2 * kGroupDepth, nibbles += kGroupBytes, dst += 2 * kGroupBytes) {
    for (int half = 0; half < 2; ++half) {
      const __m256i both = Ymm::load(nibbles + 32 * half);
      const __m256i high = _mm256_and_si256(_mm256_srli_epi16(both, 4), mask);
      Ymm::store(dst + 32 * half, _mm256_sub_epi8(_mm256_and_si256(both, mask), zero[half]));
      Ymm::store(dst + kGroupBytes + 32 * half, _mm256_sub_epi8(high, zero[half]));
    }
  }
}

}  // namespace
}  // namespace intvit::kernels
