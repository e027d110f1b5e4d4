// GELU and its relatives without polynomials: every x * g(x) with g(x) + g(-x) = 1 (exact and tanh GELU, quick GELU,
// SiLU; ReLU with an empty table) is
//
//   act(x) = max(x, 0) - delta(|x|),   delta(t) = t * g(-t),
//
// where delta is even, below 0.28 for all of them (0.17 for GELU) and practically zero beyond a few units. So only
// delta needs a table: 64 segments over the range [0, limit), linear in between, 16-bit entries. The error is far below
// what any 8-bit code can show, and the linear branch has none.
//
// x is a 16-bit value in units that the converter chose; the result is turned into the next layer's codes at once, or
// into 16-bit values in other units where the next layer wants more than a byte or non-uniform codes.
#pragma once

#include <cstdint>

namespace intvit::kernels {

inline constexpr int kActivationSegments = 64;

struct GatedActivation {
  const std::int16_t* base;   // [64] delta at the segment's start, in the units of x
  const std::int16_t* slope;  // [64] delta at the segment's end minus base
  int segment_bits;           // log2 of a segment's length in units of x, 0..9
  std::int16_t multiplier;    // value = saturate_s16(multiply_q15(act(x), multiplier) + zero_point), >= 0
  std::int16_t zero_point;    // 0..255 for codes; any for values
};

}  // namespace intvit::kernels
