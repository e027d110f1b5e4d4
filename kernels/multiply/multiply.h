// multiply: what a gated MLP (SwiGLU) makes of two 16-bit values side by side, gate and x:
//
//   value = requantize(activate_value(gate) * x, bias, shift, multiplier)
//   code  = value clamped to [0, max_code]
//
// A row has the gates of all columns, then their x. Where the consumer wants more than 8 bits or non-uniform codes, the
// values themselves are written.
//
// Range: |activate_value| <= 32767 with a zero point of 0, and |x| <= 2^15: a product is below 2^30. With
// |bias| <= 2^30 no sum wraps.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/activation/gated_activation.h"

namespace intvit::kernels {

inline constexpr std::int32_t kLargestMultiplyBias = 1 << 30;

struct MultiplyArgs {
  const std::int16_t* src;    // [rows][2 * columns]
  std::ptrdiff_t src_stride;  // elements
  void* dst;                  // u8 codes, or s16 values; does not overlap src
  std::ptrdiff_t dst_stride;  // elements
  int rows;
  int columns;                 // of dst
  GatedActivation activation;  // its zero point is 0
  std::int32_t bias;           // |bias| <= kLargestMultiplyBias; the zero point of codes is in it
  int shift;                   // 0..31
  std::int16_t multiplier;     // >= 0
  int max_code = 255;          // codes only: 1..255
  bool values = false;
};

struct MultiplyKernels {
  void (*run)(const MultiplyArgs&) noexcept;
};

}  // namespace intvit::kernels
