#include "kernels/attention/pack_head_xmm.h"
#include "kernels/gemm/avx2/multiply_avx2.h"

#include "kernels/attention/attention_simd.h"

namespace intvit::kernels {
namespace {

void run(const AttentionArgs& args) noexcept { attention_rows<Avx2>(args); }

}  // namespace

extern const AttentionKernels attention_kernels_avx2;
const AttentionKernels attention_kernels_avx2 = {run};

}  // namespace intvit::kernels
