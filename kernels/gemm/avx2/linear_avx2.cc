#include "kernels/gemm/avx2/multiply_avx2.h"
#include "kernels/gemm/linear.h"
#include "kernels/gemm/unpacked_weights.h"

namespace intvit::kernels {
namespace {

void multiply(const LinearArgs& args) noexcept {
  constexpr int kLeftOut = 0;  // nothing is won by it here
  with_epilogue<Avx2>(args, kLeftOut, [&](const auto& epilogue) {
    Multiplier()(args.src, args.src_stride, args.rows, args.weights, args.scratch, epilogue, args.plane_stride);
  });
}

void run(const LinearArgs& args) noexcept { run_unpacked(args, multiply); }

}  // namespace

extern const LinearKernels linear_kernels_avx2;
const LinearKernels linear_kernels_avx2 = {run};

}  // namespace intvit::kernels
