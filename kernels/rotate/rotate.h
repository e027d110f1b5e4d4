// rotate: 16-bit values of heads, whose pairs of columns i and i + D / 2 are turned by an angle of their row (RoPE),
// and their codes, whose scheme is their head's:
//
//   y1   = (x1 * cosine - x2 * sine + 2^14) >> 15
//   y2   = (x1 * sine + x2 * cosine + 2^14) >> 15
//   code = ((y + bias) >> shift) clamped to [0, max_code]
//
// Values are 2^-shift codes, so the rounding constant 2^(shift - 1) and the zero point * 2^shift are the bias.
//
// Range: |sine|, |cosine| <= 32767, so a sum is at most 2 * 2^15 * 32767 + 2^14 < 2^31, and |y| < 2^16. With
// |bias| <= 2^30 no sum wraps.
#pragma once

#include <cstddef>
#include <cstdint>

namespace intvit::kernels {

inline constexpr std::int32_t kLargestRotateBias = 1 << 30;

struct RotateArgs {
  const std::int16_t* src;    // [rows][heads * head_dim]
  std::ptrdiff_t src_stride;  // elements
  std::uint8_t* dst;          // does not overlap src
  std::ptrdiff_t dst_stride;  // elements
  int rows;
  int heads;
  int head_dim;                // D, even
  const std::int16_t* angles;  // [rows][D]: cosines of D / 2 pairs, then their sines; null: nothing is turned, y is x
  const std::int32_t* codes;   // [heads][2]: bias, shift (0..31)
  int max_code;                // 1..255
};

struct RotateKernels {
  void (*run)(const RotateArgs&) noexcept;
};

}  // namespace intvit::kernels
