// vpdpbusd on 256 bits, for weights of any width.
#include "bench/peak/peak_loops.h"
#include "kernels/gemm/vnni/vnni_ymm.h"

namespace intvit::bench {
namespace {

using namespace kernels;

constexpr int kSums = 12;  // as many as the tiles of kernels/gemm/vnni/vnni_ymm.h

std::uint32_t multiply_quads(std::int64_t rounds) noexcept {
  const __m256i ones = _mm256_set1_epi8(1);
  Avx2::I32 sums[kSums];
#pragma GCC unroll 12
  for (int i = 0; i < kSums; ++i) sums[i] = 0;
  for (; rounds > 0; --rounds) {
#pragma GCC unroll 12
    for (int i = 0; i < kSums; ++i) VnniYmm::dot_u8s8(sums[i], ones, ones);
  }
#pragma GCC unroll 12
  for (int i = 1; i < kSums; ++i) sums[0] += sums[i];
  std::uint32_t lanes[8], total = 0;
  Avx2::store(lanes, sums[0]);
  for (const std::uint32_t lane : lanes) total += lane;
  return total;
}

constexpr PeakLoop kQuads = {"vpdpbusd ymm", 32 * kSums, multiply_quads};

}  // namespace

extern const PeakLoops peak_loops_avxvnni;
const PeakLoops peak_loops_avxvnni = {kQuads, kQuads};

}  // namespace intvit::bench
