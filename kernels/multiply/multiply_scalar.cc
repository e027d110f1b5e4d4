#include "kernels/multiply/multiply_law.h"

namespace intvit::kernels {
namespace {

void run(const MultiplyArgs& args) noexcept { multiply_by_law(args); }

}  // namespace

extern const MultiplyKernels multiply_kernels_scalar;
const MultiplyKernels multiply_kernels_scalar = {run};

}  // namespace intvit::kernels
