#include "kernels/multiply/multiply_simd.h"
#include "kernels/simd/avx512.h"
#include "kernels/simd/tables_avx512.h"

namespace intvit::kernels {
namespace {

void run(const MultiplyArgs& args) noexcept { multiply_rows<Avx512>(args); }

}  // namespace

extern const MultiplyKernels multiply_kernels_avx512vnni;
const MultiplyKernels multiply_kernels_avx512vnni = {run};

}  // namespace intvit::kernels
