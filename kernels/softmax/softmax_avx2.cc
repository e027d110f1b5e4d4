#include "kernels/simd/avx2.h"
#include "kernels/softmax/softmax_simd.h"

namespace intvit::kernels {
namespace {

SoftmaxSums run(const SoftmaxArgs& args) noexcept {
  return SoftmaxRows<Avx2>(args)(args.scores, row_max<Avx2>(args.scores, args.columns), args.dst);
}

}  // namespace

extern const SoftmaxKernels softmax_kernels_avx2;
const SoftmaxKernels softmax_kernels_avx2 = {run};

}  // namespace intvit::kernels
