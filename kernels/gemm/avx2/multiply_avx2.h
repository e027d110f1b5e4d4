// Matrix multiplication on AVX2 without dot-product instructions, exact for all values.
//
// vpmaddubsw adds two products of u8 and s8 in 16 bits, where they saturate if codes and 8-bit weights are large. There
// are four ways around that. Of those that can take the factors, the first in this list is the fastest and is taken:
//
//   multiply_nibbles_avx2.h   4-bit weights: the sums of four pairs of products and more fit 16 bits
//   multiply_narrow_avx2.h    one plane of codes of up to 6 bits, or of any codes if no weight exceeds 32 in magnitude:
//                             the sums of two pairs of products and more fit 16 bits
//   multiply_split_avx2.h     one plane, at least 96 columns and a depth of at least 96: codes are taken apart, so
//                             that one pair of products fits 16 bits
//   multiply_widened_avx2.h   two planes, attention's short sums, few columns, and blocks of rows of which splitting
//                             would leave too much over: codes and weights are widened to 16 bits
#pragma once

#include "kernels/gemm/avx2/multiply_narrow_avx2.h"
#include "kernels/gemm/avx2/multiply_nibbles_avx2.h"
#include "kernels/gemm/avx2/multiply_split_avx2.h"
#include "kernels/gemm/avx2/multiply_widened_avx2.h"

namespace intvit::kernels {
namespace {

template <typename EpilogueType>
void multiply_s8(const std::uint8_t* src, std::ptrdiff_t stride, std::ptrdiff_t plane_stride, int rows,
                 const LinearWeights& weights, void* scratch, const EpilogueType& epilogue) {
  static_assert(SplitCodes::scratch_bytes(1024) <= linear_scratch_bytes(1024));
  if (plane_stride == 0 && multiply_narrow(src, stride, rows, weights, scratch, epilogue)) return;
  if (plane_stride != 0 || !SplitCodes::pays_for(weights)) {
    return multiply_s16(src, stride, plane_stride, 0, rows, weights, scratch, epilogue);
  }
  const int depth = weights.used_depth();
  SplitCodes codes(depth, scratch);
  int blocks = (rows + SplitCodes::kMaxRows - 1) / SplitCodes::kMaxRows;
  for (int first = 0; first < rows; --blocks) {
    // Whole tiles, in blocks of about the same size: every block reads all weights.
    const int tiles = (rows - first + SplitCodes::kTileRows - 1) / SplitCodes::kTileRows;
    const int some = (tiles + blocks - 1) / blocks * SplitCodes::kTileRows;
    const int last = first + some < rows ? first + some : rows;
    if (codes.split(src + first * stride, stride, last - first)) {
      const auto steps = static_cast<std::size_t>((last - first) / SplitCodes::kTileRows);
      for_each_column_block<Avx2>(steps, weights, scratch, epilogue, expand_panel_avx2,
                                  [&](auto, const std::uint8_t* panel, const auto& columns, const WantedNext& next) {
                                    multiply_rows_split(codes, panel, depth, columns, first, next);
                                  });
    } else {
      multiply_s16(src, stride, 0, first, last, weights, scratch, epilogue);
    }
    first = last;
  }
}

// The same interface in multiply_<isa>.h of every instruction set. What one call can leave to the next, it holds.
struct Multiplier {
  static constexpr bool kSmallWeightsAreFaster = true;
  static constexpr bool kSumsStayInTiles = false;

  // Before weights are multiplied by many blocks of rows. `room` is for as many 16-bit numbers.
  static void prepare(LinearWeights& weights, void* room) {
    const bool always_narrow = groups_in_16_bits(255, weights.largest) != 0;
    if (always_narrow || SplitCodes::pays_for(weights)) return;
    auto* widened = static_cast<std::int16_t*>(room);
    widen_weights(weights, widened);
    weights.widened = widened;
  }

  // So many that all of them are multiplied in one block.
  static int aside_rows(const LinearWeights& weights) {
    return weights.bits == 4 ? kAsideRows : SplitCodes::pays_for(weights) ? SplitCodes::kMaxRows : kWidenedRows;
  }

  template <typename EpilogueType>
  void operator()(const std::uint8_t* src, std::ptrdiff_t stride, int rows, const LinearWeights& weights, void* scratch,
                  const EpilogueType& epilogue, std::ptrdiff_t plane_stride = 0) const {
    if (weights.bits == 4) {
      multiply_s4(src, stride, plane_stride, rows, weights, scratch, epilogue);
    } else {
      multiply_s8(src, stride, plane_stride, rows, weights, scratch, epilogue);
    }
  }
};

}  // namespace
}  // namespace intvit::kernels
