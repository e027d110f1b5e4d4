// vpdpbusd on 512 bits, for weights of any width.
#include <immintrin.h>

#include "bench/peak/peak_loops.h"

namespace intvit::bench {
namespace {

constexpr int kSums = 24;  // as many as the tiles of kernels/gemm/vnni/multiply_avx512vnni.h

std::uint32_t multiply_quads(std::int64_t rounds) noexcept {
  const __m512i ones = _mm512_set1_epi8(1);
  __m512i sums[kSums];
#pragma GCC unroll 24
  for (int i = 0; i < kSums; ++i) sums[i] = _mm512_setzero_si512();
  for (; rounds > 0; --rounds) {
#pragma GCC unroll 24
    for (int i = 0; i < kSums; ++i) asm("vpdpbusd %1, %1, %0" : "+v"(sums[i]) : "v"(ones));
  }
#pragma GCC unroll 24
  for (int i = 1; i < kSums; ++i) sums[0] = _mm512_add_epi32(sums[0], sums[i]);
  std::uint32_t lanes[16], total = 0;
  _mm512_storeu_si512(lanes, sums[0]);
  for (const std::uint32_t lane : lanes) total += lane;
  return total;
}

constexpr PeakLoop kQuads = {"vpdpbusd zmm", 64 * kSums, multiply_quads};

}  // namespace

extern const PeakLoops peak_loops_avx512vnni;
const PeakLoops peak_loops_avx512vnni = {kQuads, kQuads};

}  // namespace intvit::bench
