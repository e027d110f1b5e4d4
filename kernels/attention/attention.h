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
//
// Scores may have a static bias, such as relative positions: with the left shift of the head's softmax, which then has
// none,
//
//   score[i][j] = (sum_d (q[i][d] - q_zero) * (k[j][d] - 128)) * 2^left_shift + bias[i][j] * 2^bias_shift < 2^31
//
// Rows may attend in sets: windows of an image, say, or what a mask leaves of one. Every set is an attention of its
// own, of rows that a list names, and nothing is moved in memory for it. A mask is what rows do not share a set: so it
// is exact, and takes no time. Queries come first in a set's list, then keys that no query belongs to, such as padding,
// whose codes are constants.
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

// The numbers of one set.
enum AttentionSetNumber : int {
  kSetFirst,    // its first entry in the list of rows
  kSetKeys,     // how many entries it has, at least 1
  kSetQueries,  // how many of them, from the first on, are queries, too
  kSetBias,     // where its biases begin
  kAttentionSetNumbers
};

struct AttentionSets {
  const std::int32_t* rows;     // of all sets, one after another; -1: the pad row. Null: all rows are one set
  const std::int32_t* numbers;  // [..][kAttentionSetNumbers]
  int begin, end;               // which to do
  const std::uint8_t* pad_k;    // head_dim codes each; used where a set has pad rows
  const std::uint8_t* pad_v;
};

struct AttentionArgs {
  const std::uint8_t* q;  // [rows][q_stride], head_dim codes each
  const std::uint8_t* k;
  const std::uint8_t* v;
  std::ptrdiff_t q_stride, k_stride, v_stride;
  // Whether other threads have written these codes lately: then they take long to arrive and are fetched ahead, and so
  // are those of the head that this thread does next, if there is one: they lie head_dim behind.
  bool written_elsewhere;
  bool next_head;
  // What this thread reads after its last head, the first weights of its next linear operation: may be fetched ahead.
  const std::uint8_t* next;
  std::size_t next_bytes;
  void* dst;                  // [rows][dst_stride], head_dim codes (u8) or values (s16) each, not one byte more
  std::ptrdiff_t dst_stride;  // elements
  int tokens;                 // T, the keys; of sets, the most that one has
  int head_dim;               // D
  int query_begin;            // rows of q and dst to do, where they are one set
  int query_end;
  AttentionSets sets;
  const std::int16_t* bias;  // of this head; null: none. Of a set: [queries][padded_columns(keys)]
  int bias_shift;
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

// Row blocks of the SIMD versions: as many queries as share one pass over K and V. Of few keys, such as those of a
// window, one block takes more queries, and so it does where the scores of 24 would not fit the first cache level
// either.
inline constexpr int kQueryBlock = 24;
inline constexpr int kLargeQueryBlock = 48;
inline constexpr int kLargestQueryBlock = 56;
inline constexpr int kFewKeys = 64;
inline constexpr int kManyKeys = 768;

constexpr int query_block(int keys) {
  return keys <= kFewKeys ? kLargestQueryBlock : keys <= kManyKeys ? kQueryBlock : kLargeQueryBlock;
}

// Sections of the scratch memory of a SIMD version, in bytes, each a multiple of 64.
struct AttentionScratch {
  std::size_t keys, key_bias, values, wide_keys, wide_values, scores, codes, softmax, rows, output, gemm, total;
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
  s.wide_keys = take(t64 * d64 * 2);  // AVX2 has both in 16 bits, too
  s.wide_values = take(t64 * d64 * 2);
  const auto wide = static_cast<std::size_t>(query_block(tokens)) * t64,
             narrow = std::size_t{kLargestQueryBlock} * kFewKeys;
  const std::size_t scores = tokens > kFewKeys && wide > narrow ? wide : narrow;
  s.scores = take(scores * 4);
  s.codes = take(scores * 2);
  s.softmax = take(softmax_scratch_bytes(0));  // distances are written over scores
  s.rows = take(kLargestQueryBlock * d64);
  s.output = take(kLargestQueryBlock * d64 * 2);
  s.gemm = take(linear_scratch_bytes(static_cast<int>(deepest)));
  s.total = at;
  return s;
}

constexpr std::size_t attention_scratch_bytes(int tokens, int head_dim) {
  return attention_scratch(tokens, head_dim).total;
}

}  // namespace intvit::kernels
