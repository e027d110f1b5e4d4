#include "kernels/attention/pack_head_zmm.h"
#include "kernels/gemm/vnni/multiply_avx512vnni.h"

#include "kernels/attention/attention_simd.h"
#include "kernels/attention/scores_zmm.h"
#include "kernels/softmax/softmax_meanwhile_zmm.h"

namespace intvit::kernels {
namespace {

void run(const AttentionArgs& args) noexcept { attention_rows<Avx512, kGroupDepth, ScoresZmm, SoftmaxMeanwhile>(args); }

}  // namespace

extern const AttentionKernels attention_kernels_avx512vnni;
const AttentionKernels attention_kernels_avx512vnni = {run};

}  // namespace intvit::kernels
