// Elementary functions of vectors of floats, without branches or tables. Simd is an instruction set's floats
// (floats.h). Accurate to a few units in the last place of a float. Not for the engine.
#pragma once

#include "converter/float/vectors/floats.h"

namespace intvit {
namespace {

// constants[0] x^n + ... + constants[n], by Horner's rule.
template <typename Simd, std::size_t kCount>
typename Simd::F polynomial(typename Simd::F x, const float (&constants)[kCount]) {
  typename Simd::F sum(constants[0]);
#pragma GCC unroll 16
  for (std::size_t i = 1; i < kCount; ++i) sum = Simd::fused(sum, x, typename Simd::F(constants[i]));
  return sum;
}

// e^-y for y >= 0: 2^-n e^-r with |r| <= ln(2) / 2, where the Taylor series to r^7 is off by less than 6e-9. Above 87
// it is 0: e^-87 = 1.6e-38 is the last of the normal numbers.
template <typename Simd>
typename Simd::F exp_of_minus(typename Simd::F y) {
  using F = typename Simd::F;
  using Bits = typename Simd::Bits;
  constexpr float kMost = 87.0f;
  constexpr float kRoundingShift = 12582912.0f;  // 1.5 * 2^23: adding it leaves n in the low bits of the mantissa
  constexpr float kLn2High = 0.693359375f;       // few bits, so n * kLn2High is exact
  constexpr float kLn2Low = -2.12194440e-4f;
  const F near = min(F(kMost), y);  // x86's min and max keep a NaN that comes second
  const F shifted = Simd::fused(near, F(1.44269504f), F(kRoundingShift));
  const F n = shifted - F(kRoundingShift);
  const F r = Simd::fused_minus(n, F(kLn2Low), Simd::fused_minus(n, F(kLn2High), near));
  const F series =
      polynomial<Simd>(r, {-1.0f / 5040, 1.0f / 720, -1.0f / 120, 1.0f / 24, -1.0f / 6, 0.5f, -1.0f, 1.0f});
  // Of the bits of `shifted` only n's reach the exponent, and the result is a normal number.
  const Bits scaled = bitwise_cast<Bits>(series) - (bitwise_cast<Bits>(shifted) << 23);
  return select(y > F(kMost), F(0.0f), bitwise_cast<F>(scaled));
}

// 1 - Phi(y), the upper tail of the normal distribution, for y >= 0: exp(-y^2 / 2) times a polynomial in
// t = 1 / (1 + 0.34 y), fitted for the smallest relative error on 0 <= y <= 13 (2.3e-8 before rounding to float).
template <typename Simd>
typename Simd::F normal_upper_tail(typename Simd::F y) {
  using F = typename Simd::F;
  const F t = F(1.0f) / Simd::fused(F(0.34f), y, F(1.0f));
  const F p = polynomial<Simd>(t, {-0.0266262274f, 0.141876921f, -0.277863830f, 0.207372501f, -0.0481399447f,
                                   0.116742924f, 0.114863403f, 0.136156172f, 0.135618091f, 0.0f});
  return exp_of_minus<Simd>(F(0.5f) * y * y) * p;
}

// x Phi(x) = max(x, 0) - |x| (1 - Phi(|x|)), so that neither side cancels. The tail is 0 from 14 on.
template <typename Simd>
typename Simd::F gelu_erf(typename Simd::F x) {
  using F = typename Simd::F;
  const F magnitude = min(F(14.0f), abs(x));
  return Simd::fused_minus(magnitude, normal_upper_tail<Simd>(magnitude), max(F(0.0f), x));
}

// x / (1 + e^-u), from e^-|u| so that nothing overflows.
template <typename Simd>
typename Simd::F times_sigmoid(typename Simd::F x, typename Simd::F u) {
  using F = typename Simd::F;
  const F e = exp_of_minus<Simd>(abs(u));
  const F finite = max(F(-3.40282347e38f), x);  // so that -infinity times 0 is 0
  return finite * (select(u > F(0.0f), F(1.0f), e) / (F(1.0f) + e));
}

// x / 2 (1 + tanh(v)) = x sigmoid(2 v)
template <typename Simd>
typename Simd::F gelu_tanh(typename Simd::F x) {
  using F = typename Simd::F;
  const F u = Simd::fused(F(0.044715f) * x * x, x, x);
  return times_sigmoid<Simd>(x, F(1.59576912f) * u);  // 2 sqrt(2 / pi)
}

template <typename Simd>
typename Simd::F quick_gelu(typename Simd::F x) {
  return times_sigmoid<Simd>(x, typename Simd::F(1.702f) * x);
}

template <typename Simd>
typename Simd::F silu(typename Simd::F x) {
  return times_sigmoid<Simd>(x, x);
}

}  // namespace
}  // namespace intvit
