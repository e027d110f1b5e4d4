// vpmaddubsw, whose 16-bit sums of pairs are widened at once for 8-bit weights, every eighth time for 4-bit ones
// (kernels/gemm/avx2/multiply_avx2.h).
#include "bench/peak/peak_loops.h"
#include "kernels/simd/ymm.h"

namespace intvit::bench {
namespace {

using namespace kernels;

constexpr int kSums = 6;  // and as many sums of pairs, of 16 registers

// Volatile, since all products are the same one.
inline __m256i products() {
  __m256i pairs;
  asm volatile("vpmaddubsw %1, %1, %0" : "=x"(pairs) : "x"(_mm256_set1_epi8(1)));
  return pairs;
}

template <int kGroups>
std::uint32_t run(std::int64_t rounds) noexcept {
  __m256i sums[kSums];
#pragma GCC unroll 6
  for (int i = 0; i < kSums; ++i) sums[i] = _mm256_setzero_si256();
  for (; rounds > 0; --rounds) {
    __m256i pairs[kSums];
#pragma GCC unroll 6
    for (int i = 0; i < kSums; ++i) pairs[i] = products();
#pragma GCC unroll 8
    for (int g = 1; g < kGroups; ++g) {
#pragma GCC unroll 3
      for (int i = 0; i < kSums; i += 2) {
        const __m256i left = products(), right = products();
        asm volatile("vpaddw %2, %0, %0\n\tvpaddw %3, %1, %1"
                     : "+x"(pairs[i]), "+x"(pairs[i + 1])
                     : "x"(left), "x"(right));
      }
    }
#pragma GCC unroll 6
    for (int i = 0; i < kSums; ++i) {
      sums[i] = _mm256_add_epi32(sums[i], _mm256_madd_epi16(pairs[i], _mm256_set1_epi16(1)));
    }
  }
#pragma GCC unroll 6
  for (int i = 1; i < kSums; ++i) sums[0] = _mm256_add_epi32(sums[0], sums[i]);
  std::uint32_t lanes[8], total = 0;
  Ymm::store(lanes, sums[0]);
  for (const std::uint32_t lane : lanes) total += lane;
  return total;
}

}  // namespace

extern const PeakLoops peak_loops_avx2;
const PeakLoops peak_loops_avx2 = {{"vpmaddubsw, vpmaddwd ymm", 32 * kSums, run<1>},
                                   {"vpmaddubsw ymm", 8 * 32 * kSums, run<8>}};

}  // namespace intvit::bench
