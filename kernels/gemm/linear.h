// linear: dst = epilogue(src x weights), the one matrix multiplication of the engine.
//
//   sum[r][c] = sum_k src[r][k] * w[c][k]          u8 x s8 (or u8 x (u4 - zero point)) -> s32
//
// followed by what the next operation needs, without the 32-bit sums ever reaching memory.
//
// Range: |w| <= 128 and k <= 65536 - 64, so |sum| <= 65472 * 255 * 128 < 2^31: no sum overflows. 4-bit weights minus
// their zero point lie in [-15, 15] and are counted sixteen times, so there k <= 35072 is the limit.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/gemm/tiles.h"
#include "kernels/lut/gated_activation.h"

namespace intvit::kernels {

constexpr int max_depth(int weight_bits) { return weight_bits == 8 ? 65536 - kDepthPadding : 35072; }

// n columns (outputs), k inputs; k is already padded_depth(K) and src rows have that many readable bytes.
struct LinearWeights {
  const std::uint8_t* tiles;        // kernels/gemm/tiles.h
  const std::uint8_t* zero_points;  // [padded_columns(n)] for 4 bits, null for 8
  int bits;                         // 8 or 4
  int n;
  int k;
};

// Per column, padded_columns(n) long; see requantize() in kernels/arithmetic.h.
struct Requantizer {
  const std::int32_t* bias;
  const std::uint8_t* shift;       // 0..31
  const std::int16_t* multiplier;  // >= 0
};

enum class Epilogue : std::uint32_t {
  codes = 0,     // dst u8  = saturate_u8(requantize(sum))
  activation,    // dst u8  = activate(requantize(sum)): GELU straight into the next layer's codes
  residual,      // dst s16 = saturate_s16(residual + requantize(sum))
  logits,        // dst s32 = saturate_s32(round((sum + bias) * logit_multiplier / 2^logit_shift))
  accumulators,  // dst s32 = sum; for tests and benchmarks
};

struct LinearArgs {
  const std::uint8_t* src;
  std::ptrdiff_t src_stride;  // bytes between rows
  int rows;
  LinearWeights weights;
  Requantizer requantizer;
  Epilogue epilogue;
  void* dst;
  std::ptrdiff_t dst_stride;  // elements between rows, >= padded_columns(n): padding columns are written too
  // residual only; may be dst itself
  const std::int16_t* residual;
  std::ptrdiff_t residual_stride;
  // activation only
  GatedActivation activation;
  // logits only, per column, padded like the requantizer (whose shift and multiplier are then unused)
  const std::int32_t* logit_multiplier;  // >= 0
  const std::uint8_t* logit_shift;       // 1..62
  // linear_scratch_bytes(k), 64-byte aligned, not shared between threads
  void* scratch;
};

// AVX2 is the most demanding: a block of rows and a panel of weights, both widened to 16 bits.
inline constexpr int kWidenedRows = 48;
constexpr std::size_t linear_scratch_bytes(int k) {
  return static_cast<std::size_t>(k) * 2 * (kWidenedRows + kPanelColumns) + 64;
}

struct LinearKernels {
  void (*run)(const LinearArgs&) noexcept;
};

namespace {

// The logits epilogue is a few thousand elements a picture: scalar everywhere.
[[maybe_unused]] inline std::int32_t scale_logit(std::int32_t sum, std::int32_t bias, std::int32_t multiplier,
                                                 int shift) noexcept {
  const std::int64_t product = static_cast<std::int64_t>(wrapping_add(sum, bias)) * multiplier;
  const std::int64_t rounded = (product + (std::int64_t{1} << (shift - 1))) >> shift;
  return static_cast<std::int32_t>(rounded < INT32_MIN ? INT32_MIN : rounded > INT32_MAX ? INT32_MAX : rounded);
}

}  // namespace
}  // namespace intvit::kernels
