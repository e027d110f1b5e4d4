#include "kernels/layer_norm/layer_norm_simd.h"
#include "kernels/simd/avx2.h"

namespace intvit::kernels {
namespace {

void run(const LayerNormArgs& args) noexcept { layer_norm_rows<Avx2>(args); }

}  // namespace

extern const LayerNormKernels layer_norm_kernels_avx2;
const LayerNormKernels layer_norm_kernels_avx2 = {run};

}  // namespace intvit::kernels
