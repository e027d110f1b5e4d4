// What the compiler makes of the scalar kernels' plain loops, on any CPU: for x86-64 pmaddwd on 128 bits. Its factors
// come from the first cache level, which keeps up with it.
#include "bench/peak/peak_loops.h"

namespace intvit::bench {
namespace {

constexpr int kFactors = 512;
constexpr int kSums = 4;  // enough to hide the latency of an addition

std::uint32_t multiply_rows(std::int64_t rounds) noexcept {
  alignas(64) std::int16_t codes[kFactors], weights[kSums][kFactors];
  for (std::int16_t& code : codes) code = 1;
  for (auto& row : weights) {
    for (std::int16_t& weight : row) weight = 1;
  }
  std::uint32_t total = 0;
  for (; rounds > 0; --rounds) {
    asm volatile("" : "+m"(codes), "+m"(weights));  // else the products of constants would be taken out of the loop
    std::int32_t sum0 = 0, sum1 = 0, sum2 = 0, sum3 = 0;
    for (int i = 0; i < kFactors; ++i) {
      sum0 += codes[i] * weights[0][i];
      sum1 += codes[i] * weights[1][i];
      sum2 += codes[i] * weights[2][i];
      sum3 += codes[i] * weights[3][i];
    }
    total += static_cast<std::uint32_t>(sum0 + sum1 + sum2 + sum3);
  }
  return total;
}

constexpr PeakLoop kPlain = {"plain loops", kSums* kFactors, multiply_rows};

}  // namespace

extern const PeakLoops peak_loops_scalar;
const PeakLoops peak_loops_scalar = {kPlain, kPlain};

}  // namespace intvit::bench
