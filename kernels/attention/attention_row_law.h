// The law for attention.h up to where values are multiplied: the softmax values of one query.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/attention/attention_law.h"
#include "kernels/softmax/softmax_law.h"

namespace intvit::kernels {
namespace {

// In the scratch memory, until the next row.
struct AttentionRow {
  const std::uint8_t* low;
  const std::uint8_t* high;  // null: there is no second plane
  SoftmaxSums sums;

  int value(int key) const noexcept { return low[key] + (high != nullptr ? 256 * high[key] : 0); }
};

[[maybe_unused]] inline std::int32_t attention_score(const AttentionArgs& args, const AttentionSet& set, int query,
                                                     int key) noexcept {
  const std::uint8_t* q = args.q + set.row(query) * args.q_stride;
  const std::uint8_t* k = key_codes(args, set, key);
  std::int32_t sum = 0;
  for (int d = 0; d < args.head_dim; ++d) sum += (q[d] - args.head.q_zero) * (k[d] - 128);
  if (set.bias == nullptr) return sum;
  return biased_score(sum, set.bias[query * set.bias_stride() + key], args.head.softmax.left_shift, args.bias_shift);
}

[[maybe_unused]] inline AttentionRow attention_row(const AttentionArgs& args, const AttentionSet& set,
                                                   int query) noexcept {
  const AttentionScratch layout = attention_scratch(args.tokens, args.head_dim);
  auto* scratch = static_cast<std::uint8_t*>(args.scratch);
  auto* scores = reinterpret_cast<std::int32_t*>(scratch + layout.scores);
  std::uint8_t* codes = scratch + layout.codes;
  SoftmaxArgs softmax = attention_softmax(args, padded_depth(set.keys), scratch + layout.softmax);
  softmax.columns = set.keys;
  softmax.padded_columns = padded_depth(set.keys);
  softmax.scores = scores;
  softmax.dst = codes;
  for (int j = 0; j < set.keys; ++j) scores[j] = attention_score(args, set, query, j);
  const SoftmaxSums sums = softmax_row_scalar(softmax);
  return {codes, softmax.plane_stride != 0 ? codes + softmax.plane_stride : nullptr, sums};
}

}  // namespace
}  // namespace intvit::kernels
