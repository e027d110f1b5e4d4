// attention.h on top of an instruction set's Multiplier (multiply_<isa>.h under kernels/gemm/), packing (pack_head_*.h)
// and vectors (kernels/simd/), which are to be included first.
// K and V of the head are packed into weight tiles once; then, for blocks of kQueryBlock queries, scores, softmax codes
// and outputs stay in the first two cache levels.
#pragma once

#include <algorithm>
#include <bit>
#include <cstring>

#include "kernels/attention/attention.h"
#include "kernels/attention/attention_law.h"
#include "kernels/cpu/cpu.h"
#include "kernels/gemm/linear.h"
#include "kernels/softmax/softmax_simd.h"

namespace intvit::kernels {
namespace {

// Probabilities x V: every row has its own requantizer. Element is std::uint8_t for codes, std::int16_t for values.
template <typename Simd, typename Element>
struct AttentionEpilogue {
  const RowRequantizer* requantizers;
  std::int32_t out_zero;
  int max_code;
  Element* dst;
  std::ptrdiff_t stride;

  static constexpr bool kCodes = sizeof(Element) == 1;

  template <bool kHalf>
  struct Columns {
    static constexpr bool kFewRows = true;
    const AttentionEpilogue& e;
    int column;
    Columns(const AttentionEpilogue& epilogue, int first) : e(epilogue), column(first) {}
    typename Simd::I32 bias_lo() const { return typename Simd::I32(0); }
    typename Simd::I32 bias_hi() const { return typename Simd::I32(0); }
    void row(int r, typename Simd::I32 lo, typename Simd::I32 hi) const {
      Element* out = e.dst + r * e.stride + column;
      if constexpr (kCodes) {
        const auto x = values(r, lo, hi);
        Simd::template store_codes_of_first<kHalf>(out, clamped_codes(x, x));
      } else {
        store_values<Simd, kHalf>(out, values(r, lo, hi));
      }
    }
    void pair(int r, typename Simd::I32 lo0, typename Simd::I32 hi0, typename Simd::I32 lo1,
              typename Simd::I32 hi1) const requires kCodes {
      Element* out = e.dst + r * e.stride + column;
      Simd::template store_codes_of_both<kHalf>(out, out + e.stride,
                                                clamped_codes(values(r, lo0, hi0), values(r + 1, lo1, hi1)));
    }

   private:
    // In lane order for codes, in natural order for values.
    typename Simd::I16 values(int r, typename Simd::I32 lo, typename Simd::I32 hi) const {
      const RowRequantizer& rq = e.requantizers[r];
      const auto bias = typename Simd::I32(rq.bias);
      const auto shift = typename Simd::I32(rq.shift);
      lo = Simd::shift_right_each(lo + bias, shift);
      hi = Simd::shift_right_each(hi + bias, shift);
      const auto x = kCodes ? Simd::pack32_in_lanes(lo, hi) : Simd::pack32(lo, hi);
      return sadd(Simd::multiply_q15(x, Simd::set16(rq.multiplier)), Simd::set16(e.out_zero));
    }
    typename Simd::Codes clamped_codes(typename Simd::I16 first, typename Simd::I16 second) const {
      return min(Simd::lane_codes(first, second), typename Simd::Codes(static_cast<std::uint8_t>(e.max_code)));
    }
  };
};

// The number that is taken off the head's codes of K or V, so that they are signed weights. Any number would do: one
// taken off K moves all scores of a row alike, and the row's bias makes up for one taken off V. It is half of 8 bits'
// range or, where small weights are faster, of the range of as many bits as the codes have.
inline int middle_code(const std::uint8_t* codes, const AttentionArgs& args) {
  if constexpr (!Multiplier::kSmallWeightsAreFaster) return 128;
  unsigned all = 1;
  for (int j = 0; j < args.tokens; ++j) {
    for (int d = 0; d < args.head_dim; ++d) all |= codes[j * args.stride + d];
  }
  return static_cast<int>(std::bit_floor(all));
}

// Has rows [first, last) of q, k or v on their way to the first or second cache level.
template <int kLevel>
void fetch_codes(const AttentionArgs& args, const std::uint8_t* codes, int first, int last) {
  for (int j = first; j < last; ++j) {
    for (int d = 0; d < args.head_dim; d += 64) {
      prefetch<kLevel>(codes + j * args.stride + d);
    }
  }
}

// Has a part of k and v of the next head on its way, so that all is by the last block of queries: as much with every
// block as there are blocks for. `fetched`: rows that earlier blocks have fetched.
inline void fetch_next_head(const AttentionArgs& args, int begin, int& fetched) {
  const int left = (args.query_end - begin + kQueryBlock - 1) / kQueryBlock;
  const int end = fetched + (args.tokens - fetched) / left;
  fetch_codes<2>(args, args.next_q + (args.k - args.q), fetched, end);
  fetch_codes<2>(args, args.next_q + (args.v - args.q), fetched, end);
  fetched = end;
}

// Rows of the head's codes with zeros behind them.
inline void pad_rows(const AttentionArgs& args, const std::uint8_t* codes, int rows, std::uint8_t* dst,
                     int padded_dim) {
  for (int r = 0; r < rows; ++r) {
    std::memset(dst + r * padded_dim, 0, static_cast<std::size_t>(padded_dim));
    std::memcpy(dst + r * padded_dim, codes + r * args.stride, static_cast<std::size_t>(args.head_dim));
  }
}

template <typename Simd, int kDepthStep, typename Element>
void attention_elements(const AttentionArgs& args) {
  const AttentionScratch layout = attention_scratch(args.tokens, args.head_dim);
  auto* scratch = static_cast<std::uint8_t*>(args.scratch);
  std::uint8_t* keys = scratch + layout.keys;
  std::uint8_t* values = scratch + layout.values;
  auto* key_bias = reinterpret_cast<std::int32_t*>(scratch + layout.key_bias);
  auto* scores = reinterpret_cast<std::int32_t*>(scratch + layout.scores);
  std::uint8_t* codes = scratch + layout.codes;
  std::uint8_t* queries = scratch + layout.rows;
  auto* output = reinterpret_cast<Element*>(scratch + layout.output);

  const int key_depth = (args.head_dim + kDepthStep - 1) / kDepthStep * kDepthStep;
  const int value_depth = (args.tokens + kDepthStep - 1) / kDepthStep * kDepthStep;
  const int padded_tokens = padded_depth(args.tokens);
  const int padded_dim = padded_depth(args.head_dim);
  if (args.written_elsewhere) {
    fetch_codes<1>(args, args.k, 0, args.tokens);
    fetch_codes<1>(args, args.v, 0, args.tokens);
    fetch_codes<1>(args, args.q, args.query_begin, std::min(args.query_begin + kQueryBlock, args.query_end));
  }
  const int middle_key = middle_code(args.k, args), middle_value = middle_code(args.v, args);
  pack_keys(args, key_depth, middle_key, keys, key_bias);
  pack_values(args, value_depth, middle_value, values);
  const LinearWeights key_weights{keys, nullptr, 8, args.tokens, key_depth, true, middle_key};
  const LinearWeights value_weights{values, nullptr, 8, args.head_dim, value_depth, true, middle_value};
  AttentionHead head = args.head;
  head.v_zero += 128 - middle_value;  // row_requantizer() takes values for codes minus 128
  // Whole steps and panels are read and written in place; other head sizes go through copies.
  const bool whole_steps = args.head_dim % kDepthStep == 0;
  const bool whole_panels = args.head_dim % kPanelColumns == 0;

  const SoftmaxArgs softmax =
      attention_softmax(args, std::ptrdiff_t{kQueryBlock} * padded_tokens, scratch + layout.softmax);
  const SoftmaxRows<Simd> softmax_rows(softmax);
  Multiplier multiply;
  constexpr int kMultiplierBits = sizeof(Element) == 1 ? kCodeMultiplierBits : kValueMultiplierBits;
  static_assert(kQueryBlock <= SoftmaxBlock::kMaxRows);
  std::int32_t maxima[kQueryBlock];
  SoftmaxSums sums[kQueryBlock];
  RowRequantizer requantizers[kQueryBlock];
  const int blocks = (args.query_end - args.query_begin + kQueryBlock - 1) / kQueryBlock;
  WantedNext next(args.next, args.next_bytes, static_cast<std::size_t>(blocks));
  int fetched = 0;
  for (int begin = args.query_begin; begin < args.query_end; begin += kQueryBlock) {
    const int rows = args.query_end - begin < kQueryBlock ? args.query_end - begin : kQueryBlock;
    if (args.written_elsewhere) {
      fetch_codes<1>(args, args.q, begin + rows, std::min(begin + rows + kQueryBlock, args.query_end));
    }
    next.fetch();
    if (args.next_q != nullptr) fetch_next_head(args, begin, fetched);
    const std::uint8_t* q = args.q + begin * args.stride;
    std::ptrdiff_t q_stride = args.stride;
    if (!whole_steps) {
      pad_rows(args, q, rows, queries, padded_dim);
      q = queries;
      q_stride = padded_dim;
    }
    multiply(q, q_stride, rows, key_weights, scratch + layout.gemm,
             AccumulatorsEpilogue<Simd>{scores, padded_tokens, key_bias});
    // Their maxima first: each is a chain of slow steps, and those of several rows can be under way at once.
    for (int r = 0; r < rows; ++r) maxima[r] = row_max<Simd>(scores + std::ptrdiff_t{r} * padded_tokens, args.tokens);
    softmax_rows({rows, scores, padded_tokens, maxima, reinterpret_cast<std::int16_t*>(scores), 2 * padded_tokens,
                  codes, padded_tokens, sums});
    for (int r = 0; r < rows; ++r) requantizers[r] = row_requantizer(head, sums[r], kMultiplierBits);
    Element* dst = static_cast<Element*>(args.dst) + begin * args.dst_stride;
    const AttentionEpilogue<Simd, Element> epilogue{requantizers, args.head.out_zero, args.max_code,
                                                    whole_panels ? dst : output,
                                                    whole_panels ? args.dst_stride : padded_dim};
    multiply(codes, padded_tokens, rows, value_weights, scratch + layout.gemm, epilogue, softmax.plane_stride);
    if (!whole_panels) {
      for (int r = 0; r < rows; ++r) {
        std::memcpy(dst + r * args.dst_stride, output + r * padded_dim,
                    static_cast<std::size_t>(args.head_dim) * sizeof(Element));
      }
    }
  }
}

// kDepthStep: the depths that Multiplier likes are multiples of this, which divides kDepthPadding.
template <typename Simd, int kDepthStep = kGroupDepth>
void attention_rows(const AttentionArgs& args) {
  if (args.values) {
    attention_elements<Simd, kDepthStep, std::int16_t>(args);
  } else {
    attention_elements<Simd, kDepthStep, std::uint8_t>(args);
  }
}

}  // namespace
}  // namespace intvit::kernels
