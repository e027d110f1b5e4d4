#include "kernels/attention/pack_head_xmm.h"
#include "kernels/gemm/vnni/multiply_avxvnni.h"

#include "kernels/attention/attention_simd.h"

namespace intvit::kernels {
namespace {

void run(const AttentionArgs& args) noexcept { attention_rows<Avx2>(args); }

}  // namespace

extern const AttentionKernels attention_kernels_avxvnni;
const AttentionKernels attention_kernels_avxvnni = {run};

}  // namespace intvit::kernels
