#include "kernels/simd/tables_avx2.h"
#include "kernels/softmax/softmax_simd.h"

namespace intvit::kernels {
namespace {

SoftmaxSums run(const SoftmaxArgs& args) noexcept { return softmax_row<Avx2>(args); }

}  // namespace

extern const SoftmaxKernels softmax_kernels_avx2;
const SoftmaxKernels softmax_kernels_avx2 = {run};

}  // namespace intvit::kernels
