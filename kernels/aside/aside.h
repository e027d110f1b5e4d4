// Values aside: what values of a row lose where the grid of its codes ends, as a list that the next linear adds to its
// sums (kernels/gemm/linear.h). A row's list is 1 + 2 K numbers of 16 bits:
//
//   count           how many of its values lost something, unsigned; if more than K, K of them are in the list
//   columns [K]     unsigned, ascending
//   excesses [K]    value - code, in steps of the grid, other than 0
//
// of which the first min(count, K) columns and excesses are defined. In a list that is too short are the largest
// excesses; of those of equal size the ones with lower columns.
#pragma once

#include <cstddef>
#include <cstdint>

namespace intvit::kernels {

inline constexpr int kMostAside = 255;  // K
inline constexpr int kMaxAsideColumns = 65536;

constexpr int aside_words(int most) { return 1 + 2 * most; }

struct AsideArgs {
  const std::int16_t* src;  // in units of 2^-fine_bits steps of the grid (kernels/encode/encode.h)
  std::ptrdiff_t src_stride;
  int rows;
  int columns;  // up to kMaxAsideColumns
  int fine_bits;
  std::int16_t outlier;  // only larger |x| lose anything
  std::int16_t grid_zero, grid_max;
  std::int16_t* lists;  // [rows][lists_stride], at least aside_words(most) of each are writable
  std::ptrdiff_t lists_stride;
  int most;  // K, 1..kMostAside
};

}  // namespace intvit::kernels
