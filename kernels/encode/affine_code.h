// The code of an even quantizer, and the one that spans a range found while the network runs.
#pragma once

#include <bit>
#include <cstdint>

namespace intvit::kernels {

// code  = clamp(multiply_q15(multiply_q15(x, multiplier), power) + zero, 0, max_code)
// value = clamp(multiply_q15((code - zero) << step_shift, step) + grid_zero, 0, grid_max)
struct AffineCode {
  std::int16_t multiplier;  // 0..32767
  std::int16_t power;       // 0..32767
  std::int16_t zero;        // 0..max_code
  std::int16_t step;        // 0..32767
};

namespace {

// round(a / b), ties upwards.
[[maybe_unused]] constexpr std::uint64_t rounded_quotient(std::uint64_t a, std::uint64_t b) noexcept {
  return (2 * a + b) / (2 * b);
}

// max_code + 1 codes over [lowest, highest], two values of s16, and 0. With range = max(highest - lowest, 2 * max_code)
// the distance of two codes is s = range / max_code units of x, at least 2: then 1/s = multiplier * power / 2^30 has
// a power of two up to 2^14 and a multiplier of 15 bits, correct to 2^-15 of itself. The inner product's rounding is
// at most 1/2 and reaches x / s divided by 2^r, with s <= 2^(r + 1), so that the code is round(x / s) + zero wherever
// x is further than 1 + |x| / 2^15 units from the border between two codes.
//
// A step is s / 2^fine_bits steps of the grid, in units of 2^(step_shift - 15), rounded: at most half a step of the
// grid for all codes. It saturates where s / 2^fine_bits > 2^step_shift; choose step_shift accordingly.
[[maybe_unused]] constexpr AffineCode affine_code_for_range(std::int32_t lowest, std::int32_t highest, int max_code,
                                                            int step_shift, int fine_bits) noexcept {
  const auto below = static_cast<std::uint32_t>(lowest < 0 ? -lowest : 0);
  const auto above = static_cast<std::uint32_t>(highest > 0 ? highest : 0);
  const auto codes = static_cast<std::uint32_t>(max_code);
  const std::uint32_t range = below + above > 2 * codes ? below + above : 2 * codes;
  int r = static_cast<int>(std::bit_width(range)) - static_cast<int>(std::bit_width(codes));
  if (codes << r > range) --r;  // 2^r <= s < 2^(r + 1), 1 <= r <= 15
  const std::uint64_t multiplier = rounded_quotient(std::uint64_t{codes} << (15 + r), range);
  const std::uint64_t zero = rounded_quotient(std::uint64_t{below} * codes, range);
  const std::uint64_t step =
      rounded_quotient(std::uint64_t{range} << 15, std::uint64_t{codes} << (step_shift + fine_bits));
  return {static_cast<std::int16_t>(multiplier > 32767 ? 32767 : multiplier), static_cast<std::int16_t>(1 << (15 - r)),
          static_cast<std::int16_t>(zero), static_cast<std::int16_t>(step > 32767 ? 32767 : step)};
}

}  // namespace
}  // namespace intvit::kernels
