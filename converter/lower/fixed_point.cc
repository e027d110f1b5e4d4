#include "converter/lower/fixed_point.h"

#include <algorithm>
#include <cmath>
#include <string>

namespace intvit {
namespace {

constexpr int kMaxShift = 31;

std::string text(double value) {
  char buffer[32];
  std::snprintf(buffer, sizeof buffer, "%.4g", value);
  return buffer;
}

}  // namespace

Result<FixedPoint> make_fixed_point(double factor, double offset, std::int64_t sum_offset,
                                    MultiplierPrecision precision) {
  if (!(factor > 0) || factor > 0.999) {
    return Status(Code::unsupported, "a requantization factor of " + text(factor) + " (must be in (0, 0.999])");
  }
  // factor = multiplier * 2^-15 * 2^-shift with the multiplier in [2^11, 2^12) or [2^14, 2^15).
  const int multiplier_bits = precision == MultiplierPrecision::codes ? 12 : 15;
  int exponent;
  std::frexp(factor, &exponent);  // factor in [2^(exponent - 1), 2^exponent)
  const int shift = std::clamp(multiplier_bits - 15 - exponent, 0, kMaxShift);
  const double multiplier = std::min(std::round(std::ldexp(factor, 15 + shift)), 32767.0);
  const double realised = std::ldexp(std::max(multiplier, 1.0), -15 - shift);
  const double rounding = shift > 0 ? std::ldexp(1.0, shift - 1) : 0;
  const double bias = std::round(offset / realised) + static_cast<double>(sum_offset) + rounding;
  if (std::abs(bias) > 2147483647.0) {
    return Status(Code::unsupported, "a bias of " + text(bias) + " units of the sum (must fit 32 bits)");
  }
  return FixedPoint{static_cast<std::int32_t>(bias), static_cast<std::uint8_t>(shift),
                    static_cast<std::int16_t>(multiplier)};
}

double least_factor(double offset) { return std::abs(offset) / 536870912.0; }

Mantissa make_mantissa(double value) {
  int exponent;
  const double fraction = std::frexp(value, &exponent);  // [0.5, 1)
  const double scaled = std::round(std::ldexp(fraction, 31));
  if (scaled >= 2147483648.0) return {1u << 30, 30 - exponent};
  return {static_cast<std::uint32_t>(scaled), 31 - exponent};
}

}  // namespace intvit
