// layer_norm: 16-bit residual rows -> 8-bit codes, or 16-bit values, of gamma * (x - mean) / sigma + beta, row by row.
//
// Per row: S1 = sum x, S2 = sum x^2 (64 bits), V = C * S2 - S1^2 + epsilon = C * sum (x - mean)^2 exactly, plus eps in
// the same units. W = V / C bounds every |x - mean| by sqrt(W), which is what makes 16 bits enough: the row is
// scaled by a power of two 2^e such that W * 4^e < 2^29, so that no centred element exceeds 2^14.5. A mantissa
// 1/sqrt(W * 4^e), by table and one Newton step, then brings every row to the same unit sigma = 2^13.5 / sqrt(C), and
//
//   value = saturate_s16((u * gamma_c + beta_c * 2^beta_shift + 2^(shift-1)) >> shift)
//   code  = value clamped to [0, max_code]
//
// Where the consumer wants more than 8 bits or non-uniform codes, the values themselves are written.
//
// Where rows are not centred, S1 is taken to be 0: x is divided by its root mean square. |x| <= sqrt(W) still holds.
// Values may be added to what dst holds, saturating.
//
// Range: |u| <= 2^13.5 + 2, |gamma_c| <= 2^15, |beta_c| * 2^14 <= 2^29, rounding <= 2^29: the sum is below 2^30.5.
#pragma once

#include <cstddef>
#include <cstdint>

namespace intvit::kernels {

struct LayerNormArgs {
  const std::int16_t* src;
  std::ptrdiff_t src_stride;  // elements
  void* dst;                  // u8 codes, or s16 values
  std::ptrdiff_t dst_stride;  // elements
  int rows;
  int channels;                // C, 1..65536
  const std::int16_t* affine;  // [C][2]: gamma_c, beta_c (the zero point is in beta)
  int shift;                   // 1..30
  int beta_shift;              // 0..14
  std::uint64_t epsilon;       // C^2 * eps / scale^2, >= 1, < 2^62
  int max_code = 255;          // codes only: 1..255
  bool values = false;
  bool centred = true;
  bool add = false;  // values only
};

struct LayerNormKernels {
  void (*run)(const LayerNormArgs&) noexcept;
};

}  // namespace intvit::kernels
