#include "kernels/simd/avx512.h"
#include "kernels/softmax/softmax_simd.h"

namespace intvit::kernels {
namespace {

SoftmaxSums run(const SoftmaxArgs& args) noexcept {
  return SoftmaxRows<Avx512>(args)(args.scores, row_max<Avx512>(args.scores, args.columns), args.dst);
}

}  // namespace

extern const SoftmaxKernels softmax_kernels_avx512vnni;
const SoftmaxKernels softmax_kernels_avx512vnni = {run};

}  // namespace intvit::kernels
