// The law for attention.h.
#include "kernels/attention/attention.h"

namespace intvit::kernels {
namespace {

std::int32_t score(const AttentionArgs& args, int query, int key) noexcept {
  const std::uint8_t* q = args.q + query * args.stride;
  const std::uint8_t* k = args.k + key * args.stride;
  std::int32_t sum = 0;
  for (int d = 0; d < args.head_dim; ++d) sum += (q[d] - args.head.q_zero) * (k[d] - 128);
  return sum;
}

void run(const AttentionArgs& args) noexcept {
  const AttentionScratch layout = attention_scratch(args.tokens, args.head_dim);
  auto* scratch = static_cast<std::uint8_t*>(args.scratch);
  auto* scores = reinterpret_cast<std::int32_t*>(scratch + layout.scores);
  std::uint8_t* codes = scratch + layout.codes;
  for (int i = args.query_begin; i < args.query_end; ++i) {
    for (int j = 0; j < args.tokens; ++j) scores[j] = score(args, i, j);
    std::int32_t max = scores[0];
    for (int j = 1; j < args.tokens; ++j) max = scores[j] > max ? scores[j] : max;
    std::uint32_t sum_of_codes = 0;
    for (int j = 0; j < args.tokens; ++j) {
      codes[j] = softmax_code(max, scores[j], args.head.softmax);
      sum_of_codes += codes[j];
    }
    const RowRequantizer row = row_requantizer(args.head, sum_of_codes);
    for (int d = 0; d < args.head_dim; ++d) {
      std::int32_t sum = 0;
      for (int j = 0; j < args.tokens; ++j) sum += codes[j] * (args.v[j * args.stride + d] - 128);
      args.dst[i * args.dst_stride + d] = attention_code(sum, row, args.head.out_zero);
    }
  }
}

}  // namespace

extern const AttentionKernels attention_kernels_scalar;
const AttentionKernels attention_kernels_scalar = {run};

}  // namespace intvit::kernels
