// attention of one head: codes of q, k, v -> codes of softmax(q k^T) v, for a range of query rows.
//
//   score[i][j] = sum_d (q[i][d] - q_zero) * (k[j][d] - 128)
//
// Terms that do not depend on j shift a whole row of scores and vanish in softmax: so the zero point of k never
// appears, and that of q only as q_zero * sum_d k, one number per key. With e = softmax codes (or a table's values) and
// s their divisor, which is their sum unless a table says otherwise,
//
//   code[i][d] = clamp(round((sum_j e[j] * (v[j][d] - v_zero)) * ratio / s) + out_zero, 0, max_code)
//
// in the same 16-bit requantization as everywhere, whose multiplier and shift are made per row from ratio / s. Instead
// of codes the result can be the 16-bit value before the clamp.
//
// Range, D = head_dim <= 4096, T = tokens <= 32768, T * max(e) * 255 < 2^31 (the reader's limits): |score| <= D * 255 *
// 128 < 2^28, |sum_j e (v - v_zero)| <= T * max(e) * 255 < 2^31, sum_j e < 2^31 / 255.
#pragma once

#include <cstddef>
#include <cstdint>

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
  std::int32_t out_zero;     // 0..255; any s16 if the result is values
};

struct AttentionArgs {
  const std::uint8_t* q;  // [tokens][stride], head_dim codes each
  const std::uint8_t* k;
  const std::uint8_t* v;
  std::ptrdiff_t stride;
  // Whether other threads have written these codes lately: then they take long to arrive and are fetched ahead, and so
  // are those of the head that this thread does next. Its q, or null; its k and v lie as far from it as k and v from q.
  bool written_elsewhere;
  const std::uint8_t* next_q;
  // What this thread reads after its last head, the first weights of its next linear operation: may be fetched ahead.
  const std::uint8_t* next;
  std::size_t next_bytes;
  void* dst;                  // [tokens][dst_stride], head_dim codes (u8) or values (s16) each, not one byte more
  std::ptrdiff_t dst_stride;  // elements
  int tokens;                 // T
  int head_dim;               // D
  int query_begin;            // rows of q and dst to do
  int query_end;
  AttentionHead head;
  SoftmaxKind softmax_kind;
  SoftmaxTable softmax_table;  // unless exponential
  bool two_planes;             // the table's values have 15 bits and not 8
  int max_code;                // 1..255
  bool values;                 // the result is 16-bit values
  void* scratch;               // attention_scratch_bytes(), 64-byte aligned, not shared between threads
};

struct AttentionKernels {
  void (*run)(const AttentionArgs&) noexcept;
};

// Row blocks of the SIMD versions: as many queries as share one pass over K and V.
inline constexpr int kQueryBlock = 24;

// Sections of the scratch memory of a SIMD version, in bytes, each a multiple of 64.
struct AttentionScratch {
  std::size_t keys, key_bias, values, scores, codes, softmax, rows, output, gemm, total;
};

// Enough for two planes of softmax values and for 16-bit results.
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
  s.codes = take(kQueryBlock * t64 * 2);
  s.softmax = take(softmax_scratch_bytes(0));  // distances are written over scores
  s.rows = take(kQueryBlock * d64);
  s.output = take(kQueryBlock * d64 * 2);
  s.gemm = take(linear_scratch_bytes(static_cast<int>(deepest)));
  s.total = at;
  return s;
}

constexpr std::size_t attention_scratch_bytes(int tokens, int head_dim) {
  return attention_scratch(tokens, head_dim).total;
}

}  // namespace intvit::kernels
