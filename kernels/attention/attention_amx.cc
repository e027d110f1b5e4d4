#include "kernels/attention/pack_head_zmm.h"
#include "kernels/gemm/amx/multiply_amx.h"

#include "kernels/attention/attention_simd.h"

namespace intvit::kernels {
namespace {

void run(const AttentionArgs& args) noexcept { attention_rows<Avx512, kDepthPadding>(args); }

}  // namespace

extern const AttentionKernels attention_kernels_amx;
const AttentionKernels attention_kernels_amx = {run};

}  // namespace intvit::kernels
