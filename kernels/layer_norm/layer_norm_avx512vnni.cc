#include "kernels/layer_norm/layer_norm_simd.h"
#include "kernels/simd/avx512.h"

namespace intvit::kernels {
namespace {

void run(const LayerNormArgs& args) noexcept { layer_norm_rows<Avx512>(args); }

}  // namespace

extern const LayerNormKernels layer_norm_kernels_avx512vnni;
const LayerNormKernels layer_norm_kernels_avx512vnni = {run};

}  // namespace intvit::kernels
