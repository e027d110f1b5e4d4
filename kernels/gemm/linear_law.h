// The law for linear.h: what the scalar and the vector epilogues have in common.
#pragma once

#include <cstdint>

#include "kernels/arithmetic/arithmetic.h"

namespace intvit::kernels {
namespace {

// Of a list of at most `most` entries that anybody may have written.
[[maybe_unused]] inline int aside_count(const std::int16_t* list, int most) noexcept {
  const int count = static_cast<std::uint16_t>(list[0]);
  return count < most ? count : most;
}

// A residual stream of few bits whose columns have steps of different sizes: the nearest of the codes -limit - 1 to
// limit, times the column's step. For a step of 2^g, unit is 2^g and power 2^(15 - g); for g = 0 it is 32767, which
// changes nothing in any x from -16383 to 16384.
[[maybe_unused]] inline std::int16_t to_grid(std::int16_t x, std::int16_t power, std::int16_t unit,
                                             std::int16_t limit) noexcept {
  const std::int16_t code = multiply_q15(x, power);
  const auto lowest = static_cast<std::int16_t>(~limit);
  const std::int16_t at_most = code < limit ? code : limit;
  return multiply_low16(at_most > lowest ? at_most : lowest, unit);
}

// The logits epilogue is a few thousand elements a picture: scalar everywhere.
[[maybe_unused]] inline std::int32_t scale_logit(std::int32_t sum, std::int32_t bias, std::int32_t multiplier,
                                                 int shift) noexcept {
  const std::int64_t product = static_cast<std::int64_t>(wrapping_add(sum, bias)) * multiplier;
  const std::int64_t rounded = (product + (std::int64_t{1} << (shift - 1))) >> shift;
  return static_cast<std::int32_t>(rounded < INT32_MIN ? INT32_MIN : rounded > INT32_MAX ? INT32_MAX : rounded);
}

}  // namespace
}  // namespace intvit::kernels
