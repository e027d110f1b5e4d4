#include "kernels/rotate/rotate_simd.h"
#include "kernels/simd/avx512.h"

namespace intvit::kernels {
namespace {

void run(const RotateArgs& args) noexcept { rotate_rows<Avx512>(args); }

}  // namespace

extern const RotateKernels rotate_kernels_avx512vnni;
const RotateKernels rotate_kernels_avx512vnni = {run};

}  // namespace intvit::kernels
