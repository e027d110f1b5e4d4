#include "kernels/layer_norm/layer_norm_simd.h"
#include "kernels/simd/avx2.h"

namespace intvit::kernels {
namespace {

void run(const LayerNormArgs& args) noexcept {
  layer_norm_rows<Avx2>(args, [&](const RowSums& all, int count, RowNormalization* rows) {
    for (int r = 0; r < count; ++r) {
      rows[r] = normalize_row(all.sums[r], all.squares[r], args.channels, args.epsilon);
    }
  });
}

}  // namespace

extern const LayerNormKernels layer_norm_kernels_avx2;
const LayerNormKernels layer_norm_kernels_avx2 = {run};

}  // namespace intvit::kernels
