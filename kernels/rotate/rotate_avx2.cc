#include "kernels/rotate/rotate_simd.h"
#include "kernels/simd/avx2.h"

namespace intvit::kernels {
namespace {

void run(const RotateArgs& args) noexcept { rotate_rows<Avx2>(args); }

}  // namespace

extern const RotateKernels rotate_kernels_avx2;
const RotateKernels rotate_kernels_avx2 = {run};

}  // namespace intvit::kernels
