// The law for attention.h.
#include "kernels/attention/attention_row_law.h"

namespace intvit::kernels {
namespace {

void attend(const AttentionArgs& args, const AttentionSet& set) noexcept {
  for (int i = set.query_begin; i < set.query_end; ++i) {
    const AttentionRow e = attention_row(args, set, i);
    const RowRequantizer row =
        row_requantizer(args.head, e.sums, args.values ? kValueMultiplierBits : kCodeMultiplierBits);
    for (int d = 0; d < args.head_dim; ++d) {
      std::int32_t sum = 0;
      for (int j = 0; j < set.keys; ++j) sum = wrapping_add(sum, e.value(j) * (value_codes(args, set, j)[d] - 128));
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
