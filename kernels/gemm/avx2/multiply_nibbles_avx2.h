// Multiplication by 4-bit weights on AVX2. They are at most 15 in magnitude: a pair of products is at most 2 * 255 * 15
// = 7650, and four of them, 30600, fit 16 bits, or more where zero points allow or the weights are known to be small.
#pragma once

#include <algorithm>

#include "kernels/gemm/avx2/expand_panel_avx2.h"
#include "kernels/gemm/avx2/multiply_by_pairs_avx2.h"

namespace intvit::kernels {
namespace {

// Of a panel of 4-bit weights, in magnitude.
inline int largest_nibble_weight(const std::uint8_t* zero_points) {
  int largest = 8;
  for (int c = 0; c < kPanelColumns; ++c) {
    const int zero = zero_points[c];
    largest = zero > largest ? zero : 15 - zero > largest ? 15 - zero : largest;
  }
  return largest;
}

template <typename EpilogueType>
void multiply_s4(const std::uint8_t* src, std::ptrdiff_t stride, std::ptrdiff_t plane, int rows,
                 const LinearWeights& weights, void* scratch, const EpilogueType& epilogue) {
  int groups = 0;
  const auto expand = [&](const std::uint8_t* nibbles, const std::uint8_t* zero_points, int k, std::uint8_t* dst) {
    groups = groups_in_16_bits(255, std::min(largest_nibble_weight(zero_points), weights.largest));
    expand_panel_avx2(nibbles, zero_points, k, dst);
  };
  for_each_column_block<Avx2>(static_cast<std::size_t>(rows / kRowsByPairs), weights, scratch, epilogue, expand,
                              [&](auto, const std::uint8_t* panel, const auto& columns, const WantedNext& next) {
                                multiply_columns_by_pairs<kNibbleShift>(groups, src, stride, plane, rows, panel,
                                                                        weights.used_depth(), columns, next);
                              });
}

}  // namespace
}  // namespace intvit::kernels
