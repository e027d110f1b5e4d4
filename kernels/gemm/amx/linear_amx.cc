#include "kernels/gemm/amx/multiply_amx.h"
#include "kernels/gemm/linear.h"
#include "kernels/gemm/unpacked_weights.h"

namespace intvit::kernels {
namespace {

void multiply(const LinearArgs& args) noexcept {
  with_epilogue<Avx512>(args, bits_to_leave_out(args), [&](const auto& epilogue) {
    Multiplier()(args.src, args.src_stride, args.rows, args.weights, args.scratch, epilogue, args.plane_stride);
  });
}

void run(const LinearArgs& args) noexcept { run_unpacked(args, multiply); }

}  // namespace

extern const LinearKernels linear_kernels_amx;
const LinearKernels linear_kernels_amx = {run};

}  // namespace intvit::kernels
