// Elementary functions without branches, calls or tables, so that gcc vectorises the loops that use them for whatever
// ISA it compiles for. Accurate to a few units in the last place of a float; not for the engine, and not exact at
// infinities or NaN.
#pragma once

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>

namespace intvit {

// e^-y for y >= 0: 2^n e^r with |r| <= ln(2) / 2, where the Taylor series to r^7 is off by less than 6e-9. Above 87 the
// result stays at e^-87 = 1.6e-38, the last of the normal numbers.
inline float exp_of_minus(float y) {
  constexpr float kRoundingShift = 12582912.0f;  // 1.5 * 2^23: adding it leaves n in the low bits of the mantissa
  constexpr float kLn2High = 0.693359375f;       // few bits, so n * kLn2High is exact
  constexpr float kLn2Low = -2.12194440e-4f;
  // Floats >= 0 are ordered as their bits are. gcc turns a minimum of integers, not of floats, into an instruction
  // before it looks for loops to vectorise.
  const float x = -std::bit_cast<float>(std::min(std::bit_cast<std::int32_t>(y), std::bit_cast<std::int32_t>(87.0f)));
  const float shifted = x * 1.44269504f + kRoundingShift;
  const float n = shifted - kRoundingShift;
  const float r = (x - n * kLn2High) - n * kLn2Low;
  float series = 1.0f / 5040;
  series = series * r + 1.0f / 720;
  series = series * r + 1.0f / 120;
  series = series * r + 1.0f / 24;
  series = series * r + 1.0f / 6;
  series = series * r + 0.5f;
  series = series * r + 1.0f;
  series = series * r + 1.0f;
  const std::int32_t exponent = std::bit_cast<std::int32_t>(shifted) - std::bit_cast<std::int32_t>(kRoundingShift);
  return series * std::bit_cast<float>((exponent + 127) << 23);
}

// 1 - Phi(y), the upper tail of the normal distribution, for y >= 0: exp(-y^2 / 2) times a polynomial in
// t = 1 / (1 + 0.34 y), fitted for the smallest relative error on 0 <= y <= 13 (2.3e-8 before rounding to float).
// Both sides of GELU come from it without cancellation: x Phi(x) = max(x, 0) - |x| (1 - Phi(|x|)).
inline float normal_upper_tail(float y) {
  const float t = 1.0f / (1.0f + 0.34f * y);
  float p = -0.0266262274f;
  p = p * t + 0.141876921f;
  p = p * t - 0.277863830f;
  p = p * t + 0.207372501f;
  p = p * t - 0.0481399447f;
  p = p * t + 0.116742924f;
  p = p * t + 0.114863403f;
  p = p * t + 0.136156172f;
  p = p * t + 0.135618091f;
  return exp_of_minus(0.5f * y * y) * (p * t);
}

// 1 / (1 + e^-x), from e^-|x| so that nothing overflows.
inline float sigmoid(float x) {
  const float e = exp_of_minus(std::fabs(x));
  return (x > 0.0f ? 1.0f : e) / (1.0f + e);
}

}  // namespace intvit
