#include "kernels/mean_rows/mean_rows.h"

namespace intvit::kernels {
namespace {

void run(const MeanRowsArgs& args) noexcept {
  for (int c = 0; c < args.columns; ++c) {
    std::int64_t sum = 0;
    for (int r = 0; r < args.rows; ++r) sum += args.src[r * args.src_stride + c];
    const std::int64_t divisor = 2 * std::int64_t{args.rows};
    const std::int64_t dividend = 2 * sum + args.rows;
    const std::int64_t quotient = dividend / divisor;
    args.dst[c] = static_cast<std::int16_t>(quotient * divisor > dividend ? quotient - 1 : quotient);
  }
}

}  // namespace

extern const MeanRowsKernels mean_rows_kernels_scalar;
const MeanRowsKernels mean_rows_kernels_scalar = {run};

}  // namespace intvit::kernels
