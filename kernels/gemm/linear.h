// linear: dst = epilogue(src x weights), the one matrix multiplication of the engine.
//
//   sum[r][c] = sum_k src[r][k] * w[c][k]          u8 x s8 (or u8 x (u4 - zero point)) -> s32
//
// followed by what the next operation needs, without the 32-bit sums ever reaching memory.
//
// A source of more than 8 bits lies in two byte planes, and then src[r][k] is low + 256 * high, 0..65535 for whatever
// bytes there are: the same instructions multiply the high bytes first and the low ones on top of 256 times that.
//
// What a row's codes have lost to the end of their grid may lie in a list (kernels/aside/aside.h), and then
//
//   sum[r][c] += sum_i excess[r][i] * w[c][column[r][i]]
//
// Range: |w| <= 128 for 8-bit weights; those of 4, 3 and 2 bits minus their zero point lie in [-15, 15] and are counted
// sixteen times. max_depth() is the k up to which k * largest value * largest weight < 2^31, so that no sum wraps.
// Beyond it, sums are modulo 2^32.
//
// avx2/, vnni/ and amx/ multiply in ways of their own; multiply_<isa>.h there says which way is taken when. For all of
// them unpacked_weights.h makes 4-bit weights of those of 3 and 2 bits.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/activation/gated_activation.h"
#include "kernels/aside/aside.h"
#include "kernels/gemm/tiles.h"

namespace intvit::kernels {

// The magnitude of a weight as it counts.
constexpr int max_weight(int weight_bits) { return weight_bits == 8 ? 128 : 15 << kNibbleShift; }

// No sum of k codes up to max_value and of `aside` excesses (AsideLists) is larger in magnitude.
constexpr std::int64_t max_sum(int weight_bits, std::int64_t k, std::int64_t max_value, std::int64_t aside) {
  return (k * max_value + aside * -INT16_MIN) * max_weight(weight_bits);
}

// max_value: 1..65535.
constexpr int max_depth(int weight_bits, int max_value = 255) {
  const int depth = INT32_MAX / (max_value * max_weight(weight_bits)) / kDepthPadding * kDepthPadding;
  return depth < 65536 ? depth : 65536 - kDepthPadding;
}

// n columns (outputs), k inputs; k is already padded_depth(K) and src rows have that many readable bytes in each plane.
struct LinearWeights {
  const std::uint8_t* tiles;        // kernels/gemm/tiles.h
  const std::uint8_t* zero_points;  // [padded_columns(n)], each below 2^bits; null for 8 bits
  int bits;                         // 8, 4, 3 or 2
  int n;
  int k;
  bool just_packed = false;  // they have just been written, so that nothing is won by fetching them ahead
  static constexpr int kLargest = 128;
  int largest = kLargest;  // no 8-bit weight, and no number minus zero point, exceeds it in magnitude
  // All weights from there on are zero: need not be multiplied. A multiple of kGroupDepth; 0: nobody knows.
  int used = 0;
  // What this thread reads after them, the first weights of its next linear operation: may be fetched ahead.
  const std::uint8_t* next = nullptr;
  std::size_t next_bytes = 0;
  // The same in 16 bits, made by a Multiplier for itself (multiply_widened_avx2.h); null: not made.
  const std::int16_t* widened = nullptr;

  int used_depth() const { return used != 0 ? used : k; }
};

// Per column, padded_columns(n) long; see requantize() in kernels/arithmetic/arithmetic.h.
struct Requantizer {
  const std::int32_t* bias;
  const std::uint8_t* shift;       // 0..31
  const std::int16_t* multiplier;  // >= 0
};

enum class Epilogue : std::uint32_t {
  codes = 0,       // dst u8  = clamp_code(requantize(sum), max_code)
  activation = 1,  // dst u8  = clamp_code(activate_value(requantize(sum)), max_code): GELU straight into codes
  residual = 2,    // dst s16 = saturate_s16(residual + requantize(sum)), put on a grid where there are coarse steps
  logits = 3,      // dst s32 = saturate_s32(round((sum + bias) * logit_multiplier / 2^logit_shift))
  values = 4,      // dst s16 = requantize(sum)
  activation_values = 5,  // dst s16 = activate_value(requantize(sum))
  accumulators = 6,       // dst s32 = sum; for tests and benchmarks
};

// Lists that anybody may have written: of a count above K counts K, and entries of other columns than [0, columns)
// count nothing.
struct AsideLists {
  const std::int16_t* lists = nullptr;  // one a row; null: none
  std::ptrdiff_t stride = 0;            // numbers between rows
  int most = 0;                         // K, 1..kMostAside
  int columns = 0;                      // up to k
  void* scratch = nullptr;              // aside_scratch_bytes(rows, most), 64-byte aligned
};

// More rows than these are multiplied in blocks.
inline constexpr int kAsideRows = 256;

// Sums of two column blocks of 32, and for entries, four rows at a time, three numbers each.
constexpr std::size_t aside_scratch_bytes(int rows, int most) {
  const auto count = static_cast<std::size_t>((rows < kAsideRows ? rows : kAsideRows) + 4);
  return count * (2 * 32 * sizeof(std::int32_t) + 3 * sizeof(std::uint32_t) * static_cast<std::size_t>(most) + 4);
}

struct LinearArgs {
  const std::uint8_t* src;
  std::ptrdiff_t src_stride;        // bytes between rows
  std::ptrdiff_t plane_stride = 0;  // bytes from a row's low bytes to its high bytes; 0: there is one plane only
  int rows;
  LinearWeights weights;
  Requantizer requantizer;
  Epilogue epilogue;
  void* dst;
  std::ptrdiff_t dst_stride;  // elements between rows, >= padded_columns(n): padding columns are written too
  // codes and activation only: 1..255
  int max_code = 255;
  // residual only; may be dst itself
  const std::int16_t* residual;
  std::ptrdiff_t residual_stride;
  // residual only, per column, padded like the requantizer; null for a stream of plain 16-bit values. See to_grid()
  // in linear_law.h.
  const std::int16_t* coarse_power;  // >= 0
  const std::int16_t* coarse_unit;
  std::int16_t coarse_limit;  // >= 0
  // activation and activation_values only
  GatedActivation activation;
  // logits only, per column, padded like the requantizer (whose shift and multiplier are then unused)
  const std::int32_t* logit_multiplier;  // >= 0
  const std::uint8_t* logit_shift;       // 1..62
  // one plane, and neither logits nor accumulators
  AsideLists aside = {};
  // linear_scratch_bytes(k, bits of weights), 64-byte aligned, not shared between threads
  void* scratch;
};

// AVX2 is the most demanding: a block of rows and a panel of weights, both widened to 16 bits, or more rows, split into
// parts (split_codes_avx2.h, which needs no more). Weights of 3 and 2 bits need room for a block of columns' nibbles.
inline constexpr int kWidenedRows = 48;
inline constexpr int kUnpackedColumns = 64;
constexpr std::size_t linear_scratch_bytes(int k, int weight_bits = 8) {
  return static_cast<std::size_t>(k) * 2 * (kWidenedRows + kPanelColumns) + 64 +
         (weight_bits < 4 ? tile_bytes(kUnpackedColumns, k, 4) : 0);
}

struct LinearKernels {
  void (*run)(const LinearArgs&) noexcept;
};

}  // namespace intvit::kernels
