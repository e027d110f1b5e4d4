// The law for softmax.h.
#include "kernels/softmax/softmax.h"

namespace intvit::kernels {
namespace {

std::uint32_t run(const SoftmaxArgs& args) noexcept {
  std::int32_t max = args.scores[0];
  for (int j = 1; j < args.columns; ++j) max = args.scores[j] > max ? args.scores[j] : max;
  std::uint32_t sum = 0;
  for (int j = 0; j < args.columns; ++j) {
    args.dst[j] = softmax_code(max, args.scores[j], args.scale);
    sum += args.dst[j];
  }
  for (int j = args.columns; j < args.padded_columns; ++j) args.dst[j] = 0;
  return sum;
}

}  // namespace

extern const SoftmaxKernels softmax_kernels_scalar;
const SoftmaxKernels softmax_kernels_scalar = {run};

}  // namespace intvit::kernels
