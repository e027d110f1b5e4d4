#include "kernels/multiply/multiply_simd.h"
#include "kernels/simd/avx2.h"
#include "kernels/simd/tables_avx2.h"

namespace intvit::kernels {
namespace {

void run(const MultiplyArgs& args) noexcept { multiply_rows<Avx2>(args); }

}  // namespace

extern const MultiplyKernels multiply_kernels_avx2;
const MultiplyKernels multiply_kernels_avx2 = {run};

}  // namespace intvit::kernels
