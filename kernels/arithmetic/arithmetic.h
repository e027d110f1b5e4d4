// The integer primitives from which every kernel's result is defined. The scalar kernels are written in these alone,
// and each of them is one or two instructions on every SIMD instruction set (docs/arithmetic.md).
//
// Everything here has internal linkage on purpose: files compiled for different instruction sets include it.
#pragma once

#include <cstdint>

namespace intvit::kernels {
namespace {

// 32-bit sums are taken modulo 2^32. Models never wrap, as the reader proves (docs/arithmetic.md, budgets), but whoever
// calls a kernel with other numbers gets a result that is defined and the same everywhere.
[[maybe_unused]] constexpr std::int32_t wrapping_add(std::int32_t a, std::int32_t b) noexcept {
  return static_cast<std::int32_t>(static_cast<std::uint32_t>(a) + static_cast<std::uint32_t>(b));
}

[[maybe_unused]] constexpr std::int32_t wrapping_sub(std::int32_t a, std::int32_t b) noexcept {
  return static_cast<std::int32_t>(static_cast<std::uint32_t>(a) - static_cast<std::uint32_t>(b));
}

[[maybe_unused]] constexpr std::int32_t wrapping_shift_left(std::int32_t x, int shift) noexcept {
  return static_cast<std::int32_t>(static_cast<std::uint32_t>(x) << shift);
}

[[maybe_unused]] constexpr std::int16_t saturate_s16(std::int32_t x) noexcept {
  return static_cast<std::int16_t>(x < -32768 ? -32768 : x > 32767 ? 32767 : x);
}

[[maybe_unused]] constexpr std::uint16_t saturate_u16(std::int32_t x) noexcept {
  return static_cast<std::uint16_t>(x < 0 ? 0 : x > 65535 ? 65535 : x);
}

[[maybe_unused]] constexpr std::uint8_t saturate_u8(std::int32_t x) noexcept {
  return static_cast<std::uint8_t>(x < 0 ? 0 : x > 255 ? 255 : x);
}

// A code of fewer than 8 bits: x clamped to [0, max_code], max_code in 1..255. One minimum before saturate_u8.
[[maybe_unused]] constexpr std::uint8_t clamp_code(std::int32_t x, int max_code) noexcept {
  return saturate_u8(x < max_code ? x : max_code);
}

// round(a * b / 2^15), ties upwards: x86's pmulhrsw. Not both may be -32768 (one factor is always a constant >= 0 or
// is checked when the model is read).
[[maybe_unused]] constexpr std::int16_t multiply_q15(std::int16_t a, std::int16_t b) noexcept {
  return static_cast<std::int16_t>((static_cast<std::int32_t>(a) * b + 0x4000) >> 15);
}

// a * b modulo 2^16: x86's pmullw.
[[maybe_unused]] constexpr std::int16_t multiply_low16(std::int16_t a, std::int16_t b) noexcept {
  return static_cast<std::int16_t>(static_cast<std::uint16_t>(static_cast<std::int32_t>(a) * b));
}

// floor(a * b / 2^16) of unsigned values: x86's pmulhuw.
[[maybe_unused]] constexpr std::uint16_t multiply_high_u16(std::uint16_t a, std::uint16_t b) noexcept {
  return static_cast<std::uint16_t>((static_cast<std::uint32_t>(a) * b) >> 16);
}

// Requantization, the one way in which a 32-bit sum becomes a 16-bit value:
//   round_q15(saturate_s16((sum + bias) >> shift) * multiplier)
// The rounding constant 2^(shift-1) and, for codes, the zero point are part of the bias. The first step keeps 3 to 4
// more bits than an 8-bit result shows, so that the first rounding adds at most 1/16 code to the last one's half.
[[maybe_unused]] constexpr std::int16_t requantize(std::int32_t sum, std::int32_t bias, int shift,
                                                   std::int16_t multiplier) noexcept {
  return multiply_q15(saturate_s16(wrapping_add(sum, bias) >> shift), multiplier);
}

}  // namespace
}  // namespace intvit::kernels
