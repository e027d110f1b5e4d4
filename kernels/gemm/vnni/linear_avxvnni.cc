#include "kernels/gemm/linear.h"
#include "kernels/gemm/unpacked_weights.h"
#include "kernels/gemm/vnni/multiply_avxvnni.h"
#include "kernels/gemm/with_epilogue.h"

namespace intvit::kernels {
namespace {

void multiply(const LinearArgs& args) noexcept {
  with_epilogue_and_aside<Avx2>(
      args, bits_to_leave_out(args), kAsideRows, [](const LinearArgs& some, const auto& epilogue) {
        Multiplier()(some.src, some.src_stride, some.rows, some.weights, some.scratch, epilogue, some.plane_stride);
      });
}

void run(const LinearArgs& args) noexcept { run_unpacked(args, multiply); }

}  // namespace

extern const LinearKernels linear_kernels_avxvnni;
const LinearKernels linear_kernels_avxvnni = {run};

}  // namespace intvit::kernels
