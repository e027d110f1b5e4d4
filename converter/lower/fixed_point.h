// Real factors -> the integers of the kernels' requantization (kernels/arithmetic/arithmetic.h, docs/arithmetic.md).
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>

#include "intvit/status.h"

namespace intvit {

inline constexpr double kLargestS16 = 32767;

// The nearest there is.
inline std::int16_t to_s16(double value) {
  return static_cast<std::int16_t>(std::clamp(std::round(value), -32768.0, kLargestS16));
}

// How many bits the 16-bit multiplier gets. The rest of the 15 are fraction bits of the value before the
// multiplication.
enum class MultiplierPrecision {
  codes,    // result is an 8-bit code: [2048, 4096], 3 to 4 fraction bits (a factor of 1/8 and more: fewer)
  sixteen,  // result is a 16-bit value: [16384, 32768)
};

// round(saturate((sum + bias) >> shift) * multiplier / 2^15) is about factor * sum + offset.
struct FixedPoint {
  std::int32_t bias = 0;
  std::uint8_t shift = 0;
  std::int16_t multiplier = 0;
};

// `offset` is in units of the result, `sum_offset` an exact integer added to the sum (a zero-point correction).
// unsupported if factor > 0.999 (the result would have coarser steps than the sum) or a bias leaves 31 bits.
Result<FixedPoint> make_fixed_point(double factor, double offset, std::int64_t sum_offset,
                                    MultiplierPrecision precision);

// The smallest factor for which |offset| can still be a bias: |offset| / 2^29.
double least_factor(double offset);

// value = mantissa * 2^-shift with mantissa in [2^30, 2^31).
struct Mantissa {
  std::uint32_t mantissa;
  int shift;
};
Mantissa make_mantissa(double value);

}  // namespace intvit
