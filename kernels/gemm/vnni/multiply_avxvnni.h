// Matrix multiplication with vpdpbusd on ymm registers: multiply_vnni.h for any number of rows.
#pragma once

#include "kernels/gemm/vnni/multiply_vnni.h"
#include "kernels/gemm/vnni/vnni_ymm.h"

namespace intvit::kernels {
namespace {

// The same interface in multiply_<isa>.h of every instruction set. What one call can leave to the next, it holds.
struct Multiplier {
  static constexpr bool kSmallWeightsAreFaster = false;
  static constexpr bool kSumsStayInTiles = false;

  static void prepare(LinearWeights&, void*) {}

  template <typename EpilogueType>
  void operator()(const std::uint8_t* src, std::ptrdiff_t stride, int rows, const LinearWeights& weights, void* scratch,
                  const EpilogueType& epilogue, std::ptrdiff_t plane_stride = 0) const {
    multiply_vnni<VnniYmm>(src, stride, rows, weights, scratch, epilogue, plane_stride);
  }
};

}  // namespace
}  // namespace intvit::kernels
