// encode.h's grid for whole vectors: which values are outliers, and what values are on it.
#pragma once

#include "kernels/encode/encode_law.h"

namespace intvit::kernels {
namespace {

template <typename Simd>
struct GridVectors {
  using I16 = typename Simd::I16;
  I16 outlier, minus_outlier, grid_unit, grid_zero, grid_max;

  explicit GridVectors(const EncodeArgs& args)
      : outlier(Simd::set16(args.outlier)),
        minus_outlier(Simd::set16(-args.outlier)),
        grid_unit(Simd::set16(unit_of_grid(args.fine_bits))),
        grid_zero(Simd::set16(args.grid_zero)),
        grid_max(Simd::set16(args.grid_max)) {}

  auto outliers(I16 x) const { return x < minus_outlier || outlier < x; }

  // Without codes.
  I16 steps(I16 x) const { return Simd::multiply_q15(x, grid_unit); }

  I16 clamped(I16 steps) const { return min(max(sadd(steps, grid_zero), I16(0)), grid_max); }
};

}  // namespace
}  // namespace intvit::kernels
