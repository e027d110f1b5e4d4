#include "engine/ops/attention_weights.h"

#include "kernels/attention/attention_row_law.h"

namespace intvit {
namespace {

void write_set(const kernels::AttentionArgs& args, const kernels::AttentionSet& set, std::int64_t first_row,
               const AttentionWeights& to) {
  for (int i = set.query_begin; i < set.query_end; ++i) {
    const kernels::AttentionRow row = kernels::attention_row(args, set, i);
    std::uint16_t* weights = to.weights + (first_row + i) * to.keys;
    for (int j = 0; j < set.keys; ++j) weights[j] = static_cast<std::uint16_t>(row.value(j));
    to.divisors[first_row + i] = row.sums.divisor;
  }
}

}  // namespace

void write_attention_weights(const kernels::AttentionArgs& args, std::int64_t head, const AttentionWeights& to) {
  std::int64_t set = args.sets.rows == nullptr ? 0 : args.sets.begin;
  kernels::for_each_set(args, [&](const kernels::AttentionSet& rows) {
    write_set(args, rows, (set * to.heads + head) * to.queries, to);
    ++set;
  });
}

}  // namespace intvit
