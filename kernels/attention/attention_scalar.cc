// The law for attention.h.
#include "kernels/attention/attention_law.h"
#include "kernels/softmax/softmax_law.h"

namespace intvit::kernels {
namespace {

std::int32_t score(const AttentionArgs& args, const AttentionSet& set, int query, int key) noexcept {
  const std::uint8_t* q = args.q + set.row(query) * args.q_stride;
  const std::uint8_t* k = key_codes(args, set, key);
  std::int32_t sum = 0;
  for (int d = 0; d < args.head_dim; ++d) sum += (q[d] - args.head.q_zero) * (k[d] - 128);
  if (set.bias == nullptr) return sum;
  return biased_score(sum, set.bias[query * set.bias_stride() + key], args.head.softmax.left_shift, args.bias_shift);
}

void attend(const AttentionArgs& args, const AttentionSet& set) noexcept {
  const AttentionScratch layout = attention_scratch(args.tokens, args.head_dim);
  auto* scratch = static_cast<std::uint8_t*>(args.scratch);
  auto* scores = reinterpret_cast<std::int32_t*>(scratch + layout.scores);
  std::uint8_t* codes = scratch + layout.codes;
  SoftmaxArgs softmax = attention_softmax(args, padded_depth(set.keys), scratch + layout.softmax);
  softmax.columns = set.keys;
  softmax.padded_columns = padded_depth(set.keys);
  softmax.scores = scores;
  softmax.dst = codes;
  const std::uint8_t* high = softmax.plane_stride != 0 ? codes + softmax.plane_stride : nullptr;
  for (int i = set.query_begin; i < set.query_end; ++i) {
    for (int j = 0; j < set.keys; ++j) scores[j] = score(args, set, i, j);
    const RowRequantizer row = row_requantizer(args.head, softmax_row_scalar(softmax),
                                               args.values ? kValueMultiplierBits : kCodeMultiplierBits);
    for (int d = 0; d < args.head_dim; ++d) {
      std::int32_t sum = 0;
      for (int j = 0; j < set.keys; ++j) {
        const int e = codes[j] + (high ? 256 * high[j] : 0);
        sum = wrapping_add(sum, e * (value_codes(args, set, j)[d] - 128));
      }
      const std::ptrdiff_t at = set.row(i) * args.dst_stride + d;
      if (args.values) {
        static_cast<std::int16_t*>(args.dst)[at] = attention_value(sum, row, args.head.out_zero);
      } else {
        static_cast<std::uint8_t*>(args.dst)[at] = attention_code(sum, row, args.head.out_zero, args.max_code);
      }
    }
  }
}

void run(const AttentionArgs& args) noexcept {
  for_each_set(args, [&](const AttentionSet& set) { attend(args, set); });
}

}  // namespace

extern const AttentionKernels attention_kernels_scalar;
const AttentionKernels attention_kernels_scalar = {run};

}  // namespace intvit::kernels
