#include "kernels/simd/tables_avx512.h"
#include "kernels/softmax/softmax_simd.h"

namespace intvit::kernels {
namespace {

SoftmaxSums run(const SoftmaxArgs& args) noexcept { return softmax_row<Avx512>(args); }

}  // namespace

extern const SoftmaxKernels softmax_kernels_avx512vnni;
const SoftmaxKernels softmax_kernels_avx512vnni = {run};

}  // namespace intvit::kernels
