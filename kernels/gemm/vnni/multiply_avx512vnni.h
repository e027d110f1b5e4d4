// Matrix multiplication with vpdpbusd on zmm registers.
//
//   multiply_row_zmm.h   one row, such as a classifier's head: how fast weights arrive decides
//   multiply_vnni.h      two rows and more: a tile of sums stays in registers, and a weight serves all of its rows
#pragma once

#include "kernels/gemm/vnni/multiply_row_zmm.h"
#include "kernels/gemm/vnni/vnni_zmm.h"

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
    if (rows == 1 && !has_aside(epilogue)) return multiply_row(src, weights, epilogue, plane_stride);
    multiply_vnni<VnniZmm>(src, stride, rows, weights, scratch, epilogue, plane_stride);
  }
};

}  // namespace
}  // namespace intvit::kernels
