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
// into 16-bit values in other units (activate_value) where the next layer wants more than a byte or non-uniform codes.
#pragma once

#include <cstdint>

#include "kernels/arithmetic/arithmetic.h"

namespace intvit::kernels {

inline constexpr int kActivationSegments = 64;

struct GatedActivation {
  const std::int16_t* base;   // [64] delta at the segment's start, in the units of x
  const std::int16_t* slope;  // [64] delta at the segment's end minus base
  int segment_bits;           // log2 of a segment's length in units of x, 0..9
  std::int16_t multiplier;    // value = saturate_s16(multiply_q15(act(x), multiplier) + zero_point), >= 0
  std::int16_t zero_point;    // 0..255 for codes; any for values
};

namespace {

// The law for one element. |act(x)| <= 32767: delta >= 0 is subtracted with saturation.
[[maybe_unused]] inline std::int16_t activate_value(std::int16_t x, const GatedActivation& act) noexcept {
  const std::uint32_t limit = (static_cast<std::uint32_t>(kActivationSegments) << act.segment_bits) - 1;
  std::uint32_t magnitude = static_cast<std::uint32_t>(x < 0 ? -static_cast<std::int32_t>(x) : x);
  if (magnitude > limit) magnitude = limit;
  const std::uint32_t segment = magnitude >> act.segment_bits;
  const std::uint32_t within = magnitude & ((1u << act.segment_bits) - 1);
  const std::int16_t fraction = static_cast<std::int16_t>(within << (15 - act.segment_bits));
  const std::int32_t delta = saturate_s16(act.base[segment] + multiply_q15(act.slope[segment], fraction));
  const std::int16_t y = saturate_s16((x > 0 ? x : 0) - delta);
  return saturate_s16(multiply_q15(y, act.multiplier) + act.zero_point);
}

[[maybe_unused]] inline std::uint8_t activate(std::int16_t x, const GatedActivation& act) noexcept {
  return saturate_u8(activate_value(x, act));
}

}  // namespace
}  // namespace intvit::kernels
