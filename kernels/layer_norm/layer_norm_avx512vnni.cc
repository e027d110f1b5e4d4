#include "kernels/layer_norm/layer_norm_simd.h"
#include "kernels/layer_norm/normalize_rows_zmm.h"
#include "kernels/simd/avx512.h"

namespace intvit::kernels {
namespace {

void run(const LayerNormArgs& args) noexcept {
  static_assert(kRowsAtOnce % kRowsOfZmm == 0);
  const DivisionZmm divide(static_cast<std::uint64_t>(args.channels));
  layer_norm_rows<Avx512>(args, [&](const RowSums& all, int count, RowNormalization* rows) {
    for (int r = 0; r < count; r += kRowsOfZmm) {
      normalize_rows(all.sums + r, all.squares + r, args.channels, args.epsilon, divide, rows + r);
    }
  });
}

}  // namespace

extern const LayerNormKernels layer_norm_kernels_avx512vnni;
const LayerNormKernels layer_norm_kernels_avx512vnni = {run};

}  // namespace intvit::kernels
