// Values aside in vectors: most vectors have none, which two comparisons tell.
#pragma once

#include <bit>

#include "kernels/encode/aside_law.h"

namespace intvit::kernels {
namespace {

// Values from lowest to highest lose nothing; of the others nearly all do.
struct KeptValues {
  std::int16_t lowest, highest;

  explicit KeptValues(const AsideArgs& args) {
    // round(x / 2^fine_bits) + grid_zero is in 0..grid_max.
    const std::int32_t unit = 1 << args.fine_bits, half = unit / 2;
    const std::int32_t least = -args.grid_zero * unit - half;
    const std::int32_t most = (args.grid_max - args.grid_zero + 1) * unit - half - 1;
    lowest = saturate_s16(least < -args.outlier ? least : -args.outlier);
    highest = saturate_s16(most > args.outlier ? most : args.outlier);
  }
};

template <typename Simd>
void set_aside_simd(const AsideArgs& args) {
  if (args.columns < Simd::kLanes16) return set_aside_by_law(args);
  const KeptValues kept(args);
  const auto lowest = Simd::set16(kept.lowest), highest = Simd::set16(kept.highest);
  for (int r = 0; r < args.rows; ++r) {
    const std::int16_t* src = args.src + r * args.src_stride;
    AsideList list(args.lists + r * args.lists_stride, args.most);
    // The elements from c + done on.
    const auto add = [&](int c, int done) {
      const auto x = Simd::load16(src + c);
      for (std::uint64_t left = Simd::mask16(x < lowest || highest < x) >> done << done; left != 0; left &= left - 1) {
        const int column = c + std::countr_zero(left);
        if (const std::int16_t excess = excess_of(src[column], args); excess != 0) list.add(column, excess);
      }
    };
    int c = 0;
    for (; c + Simd::kLanes16 <= args.columns; c += Simd::kLanes16) add(c, 0);
    if (c < args.columns) add(args.columns - Simd::kLanes16, c + Simd::kLanes16 - args.columns);
    list.end();
  }
}

}  // namespace
}  // namespace intvit::kernels
