#include "kernels/rotate/rotate_law.h"

namespace intvit::kernels {
namespace {

void run(const RotateArgs& args) noexcept { rotate_by_law(args); }

}  // namespace

extern const RotateKernels rotate_kernels_scalar;
const RotateKernels rotate_kernels_scalar = {run};

}  // namespace intvit::kernels
