#include "kernels/softmax/softmax_law.h"

namespace intvit::kernels {
namespace {

SoftmaxSums run(const SoftmaxArgs& args) noexcept { return softmax_row_scalar(args); }

}  // namespace

extern const SoftmaxKernels softmax_kernels_scalar;
const SoftmaxKernels softmax_kernels_scalar = {run};

}  // namespace intvit::kernels
