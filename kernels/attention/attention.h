// attention of one head: codes of q, k, v -> codes of softmax(q k^T) v, for a range of query rows.
//
//   score[i][j] = sum_d (q[i][d] - q_zero) * (k[j][d] - 128)
//
// Terms that do not depend on j shift a whole row of scores and vanish in softmax: so the zero point of k never
// appears, and that of q only as q_zero * sum_d k, one number per key. With e = softmax codes and s their sum,
//
//   code[i][d] = saturate_u8(round((sum_j e[j] * (v[j][d] - v_zero)) * ratio / s) + out_zero)
//
// in the same 16-bit requantization as everywhere, whose multiplier and shift are made per row from ratio / s.
//
// Range, D = head_dim <= 4096, T = tokens <= 32768 (the reader's limits): |score| <= D * 255 * 128 < 2^28, and
// |sum_j e (v - v_zero)| <= T * 255 * 255 < 2^31.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>

#include "kernels/arithmetic.h"
#include "kernels/gemm/linear.h"
#include "kernels/softmax/softmax.h"

namespace intvit::kernels {

inline constexpr int kMaxTokens = 32768;
inline constexpr int kMaxHeadDim = 4096;
// Of AttentionHead::ratio_shift: the scales of v and of the result differ by less than a factor of 256 upwards.
inline constexpr int kMinRatioShift = 23;
inline constexpr int kMaxRatioShift = 62;

struct AttentionHead {
  std::int32_t q_zero;  // 0..255
  std::int32_t v_zero;  // 0..255
  SoftmaxScale softmax;
  std::uint32_t ratio;       // scale_v / scale_out as ratio * 2^-ratio_shift, ratio in [2^30, 2^31)
  std::int32_t ratio_shift;  // kMinRatioShift..kMaxRatioShift
  std::int32_t out_zero;     // 0..255
};

struct AttentionArgs {
  const std::uint8_t* q;  // [tokens][stride], head_dim codes each
  const std::uint8_t* k;
  const std::uint8_t* v;
  std::ptrdiff_t stride;
  std::uint8_t* dst;  // [tokens][dst_stride], head_dim codes each, not one byte more
  std::ptrdiff_t dst_stride;
  int tokens;       // T
  int head_dim;     // D
  int query_begin;  // rows of q and dst to do
  int query_end;
  AttentionHead head;
  void* scratch;  // attention_scratch_bytes(), 64-byte aligned, not shared between threads
};

struct AttentionKernels {
  void (*run)(const AttentionArgs&) noexcept;
};

// How a row's sums become codes: requantize() with a bias, shift and multiplier of the row's own.
struct RowRequantizer {
  std::int32_t bias;
  int shift;
  std::int16_t multiplier;
};

// Row blocks of the SIMD versions: as many queries as share one pass over K and V.
inline constexpr int kQueryBlock = 24;

// Sections of the scratch memory of a SIMD version, in bytes, each a multiple of 64.
struct AttentionScratch {
  std::size_t keys, key_bias, values, scores, codes, rows, output, gemm, total;
};

constexpr AttentionScratch attention_scratch(int tokens, int head_dim) {
  const auto t64 = static_cast<std::size_t>(padded_depth(tokens));
  const auto d64 = static_cast<std::size_t>(padded_depth(head_dim));
  const std::size_t deepest = t64 > d64 ? t64 : d64;
  AttentionScratch s{};
  std::size_t at = 0;
  const auto take = [&at](std::size_t bytes) {
    const std::size_t begin = at;
    at += (bytes + 63) / 64 * 64;
    return begin;
  };
  s.keys = take(t64 * d64);
  s.key_bias = take(t64 * 4);
  s.values = take(t64 * d64);
  s.scores = take(kQueryBlock * t64 * 4);
  s.codes = take(kQueryBlock * t64);
  s.rows = take(kQueryBlock * d64);
  s.output = take(kQueryBlock * d64);
  s.gemm = take(linear_scratch_bytes(static_cast<int>(deepest)));
  s.total = at;
  return s;
}

constexpr std::size_t attention_scratch_bytes(int tokens, int head_dim) {
  return attention_scratch(tokens, head_dim).total;
}

namespace {

// One 64-bit division per row and head.
[[maybe_unused]] inline RowRequantizer row_requantizer(const AttentionHead& head, std::uint32_t sum) noexcept {
  // ratio / sum = quotient * 2^-(24 + ratio_shift); sum < 2^23, so quotient >= 2^31.
  const std::uint64_t quotient = (std::uint64_t{head.ratio} << 24) / sum;
  const int bits = std::bit_width(quotient);
  RowRequantizer row;
  // To the nearest: cut off, it would be up to 2^-11 too small, an eighth of a code at the end of the range.
  const auto multiplier = static_cast<std::int32_t>(((quotient >> (bits - 13)) + 1) >> 1);  // 2048..4096
  const int shift = 21 + head.ratio_shift - bits;  // factor = multiplier * 2^-15 * 2^-shift
  // A factor of 2^-3 and more, a value scale far above the result's, leaves less fraction and more multiplier.
  const std::int32_t scaled = shift < 0 ? multiplier << -shift : multiplier;
  row.multiplier = static_cast<std::int16_t>(scaled > 32767 ? 32767 : scaled);
  row.shift = shift < 0 ? 0 : shift > 31 ? 31 : shift;
  const std::int32_t rounding = row.shift == 0 ? 0 : static_cast<std::int32_t>(1u << (row.shift - 1));
  row.bias = wrapping_add(rounding, (128 - head.v_zero) * static_cast<std::int32_t>(sum));
  return row;
}

[[maybe_unused]] inline std::uint8_t attention_code(std::int32_t sum, const RowRequantizer& row,
                                                    std::int32_t out_zero) noexcept {
  return saturate_u8(saturate_s16(requantize(sum, row.bias, row.shift, row.multiplier) + out_zero));
}

}  // namespace
}  // namespace intvit::kernels
