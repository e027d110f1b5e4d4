#include "kernels/gemm/avx2/multiply_avx2.h"
#include "kernels/gemm/linear.h"
#include "kernels/gemm/unpacked_weights.h"
#include "kernels/gemm/with_epilogue.h"

namespace intvit::kernels {
namespace {

void multiply(const LinearArgs& args) noexcept {
  constexpr int kLeftOut = 0;  // nothing is won by it here
  with_epilogue_and_aside<Avx2>(
      args, kLeftOut, Multiplier::aside_rows(args.weights), [](const LinearArgs& some, const auto& epilogue) {
        Multiplier()(some.src, some.src_stride, some.rows, some.weights, some.scratch, epilogue, some.plane_stride);
      });
}

void run(const LinearArgs& args) noexcept { run_unpacked(args, multiply); }

}  // namespace

extern const LinearKernels linear_kernels_avx2;
const LinearKernels linear_kernels_avx2 = {run};

}  // namespace intvit::kernels
