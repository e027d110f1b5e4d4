// vpmaddwd for 8-bit weights; vpmaddubsw for 4-bit ones, whose 16-bit sums are widened every fourth time
// (kernels/gemm/multiply_avx2.h).
#include "kernels/peak/peak.h"
#include "kernels/simd/avx2.h"

namespace intvit::kernels {
namespace {

constexpr int kSums = 12;  // of 16 registers; others hold the factors and products

// Inline assembly, since the products of constants would be taken out of the loop.
struct Words {
  static void multiply_add(__m256i& sum) {
    const __m256i ones = _mm256_set1_epi16(1);
    __m256i product;
    asm("vpmaddwd %2, %2, %1\n\tvpaddd %1, %0, %0" : "+x"(sum), "=&x"(product) : "x"(ones));
  }
};

struct Bytes {
  static void multiply_add(__m256i& sum) {
    const __m256i ones = _mm256_set1_epi8(1), words = _mm256_set1_epi16(1);
    __m256i product, pairs;
    asm("vpmaddubsw %3, %3, %2\n\t"
        "vpmaddubsw %3, %3, %1\n\tvpaddw %1, %2, %2\n\t"
        "vpmaddubsw %3, %3, %1\n\tvpaddw %1, %2, %2\n\t"
        "vpmaddubsw %3, %3, %1\n\tvpaddw %1, %2, %2\n\t"
        "vpmaddwd %4, %2, %2\n\tvpaddd %2, %0, %0"
        : "+x"(sum), "=&x"(product), "=&x"(pairs)
        : "x"(ones), "x"(words));
  }
};

template <typename Instructions>
std::uint32_t run(std::int64_t rounds) noexcept {
  __m256i sums[kSums];
#pragma GCC unroll 12
  for (int i = 0; i < kSums; ++i) sums[i] = _mm256_setzero_si256();
  for (; rounds > 0; --rounds) {
#pragma GCC unroll 12
    for (int i = 0; i < kSums; ++i) Instructions::multiply_add(sums[i]);
  }
#pragma GCC unroll 12
  for (int i = 1; i < kSums; ++i) sums[0] = _mm256_add_epi32(sums[0], sums[i]);
  std::uint32_t lanes[8], total = 0;
  Avx2::store(lanes, sums[0]);
  for (const std::uint32_t lane : lanes) total += lane;
  return total;
}

}  // namespace

extern const PeakKernels peak_kernels_avx2;
const PeakKernels peak_kernels_avx2 = {{"vpmaddwd ymm", 16 * kSums, run<Words>},
                                       {"vpmaddubsw ymm", 4 * 32 * kSums, run<Bytes>}};

}  // namespace intvit::kernels
