// pmaddwd on 128 bits, the widest multiply-accumulate of x86-64 without extensions: what compilers make of the scalar
// kernels' plain loops.
#include <emmintrin.h>

#include "bench/peak/peak_loops.h"

namespace intvit::bench {
namespace {

constexpr int kSums = 10;  // of 16 registers; another two hold the factors and a product

// Inline assembly, since the products of constants would be taken out of the loop.
inline void multiply_add(__m128i& sum, __m128i ones) {
  __m128i product;
  asm("movdqa %2, %1\n\tpmaddwd %2, %1\n\tpaddd %1, %0" : "+x"(sum), "=&x"(product) : "x"(ones));
}

std::uint32_t multiply_pairs(std::int64_t rounds) noexcept {
  const __m128i ones = _mm_set1_epi16(1);
  __m128i sums[kSums];
#pragma GCC unroll 10
  for (int i = 0; i < kSums; ++i) sums[i] = _mm_setzero_si128();
  for (; rounds > 0; --rounds) {
#pragma GCC unroll 10
    for (int i = 0; i < kSums; ++i) multiply_add(sums[i], ones);
  }
#pragma GCC unroll 10
  for (int i = 1; i < kSums; ++i) sums[0] = _mm_add_epi32(sums[0], sums[i]);
  std::uint32_t lanes[4], total = 0;
  _mm_storeu_si128(reinterpret_cast<__m128i*>(lanes), sums[0]);
  for (const std::uint32_t lane : lanes) total += lane;
  return total;
}

constexpr PeakLoop kPairs = {"pmaddwd xmm", 8 * kSums, multiply_pairs};

}  // namespace

extern const PeakLoops peak_loops_sse2;
const PeakLoops peak_loops_sse2 = {kPairs, kPairs};

}  // namespace intvit::bench
