// The column blocks of epilogue_simd.h one after another, with 4-bit weights expanded.
#pragma once

#include <immintrin.h>

#include <type_traits>

#include "kernels/gemm/epilogue_simd.h"

namespace intvit::kernels {
namespace {

// Weights that are wanted next. Whoever works through rows fetches a part of them into the second cache level with each
// row: weights are read once a picture and come from beyond that level.
class WantedNext {
 public:
  // Nothing for 0 bytes or rows.
  WantedNext(const std::uint8_t* begin, std::size_t bytes, int rows) : at_(begin), end_(begin + bytes) {
    if (bytes > 0 && rows > 0) bytes_per_row_ = bytes / static_cast<std::size_t>(rows) + 1;
  }

  void fetch(int rows) {
    const std::uint8_t* until = at_ + bytes_per_row_ * static_cast<std::size_t>(rows);
    for (; at_ < until && at_ < end_; at_ += 64) _mm_prefetch(reinterpret_cast<const char*>(at_), _MM_HINT_T1);
  }

 private:
  const std::uint8_t* at_;
  const std::uint8_t* end_;
  std::size_t bytes_per_row_ = 0;
};

// Calls multiply_columns(kHalf, tiles, columns, next) for every block: whether there is half of it only, as a
// bool_constant; its 8-bit tiles, panels k * 16 bytes apart, which for 4-bit weights are in scratch; Columns<kHalf>;
// and where the weights of the next block lie. Expand makes 8-bit tiles of a panel's nibbles.
template <typename Simd, typename EpilogueType, typename Expand, typename MultiplyColumns>
void for_each_column_block(int rows, const LinearWeights& weights, void* scratch, const EpilogueType& epilogue,
                           Expand&& expand, MultiplyColumns&& multiply_columns) {
  constexpr int kPanels = Simd::kLanes16 / kPanelColumns;  // in a block
  static_assert(kPanels == 1 || kPanels == 2);
  const int panels = panel_count(weights.n);
  const std::size_t panel_bytes = static_cast<std::size_t>(weights.k) * kPanelColumns;
  const std::size_t stored_bytes = panel_bytes * static_cast<std::size_t>(weights.bits) / 8;
  for (int p = 0; p < panels; p += kPanels) {
    const int count = panels - p < kPanels ? 1 : kPanels;
    const std::uint8_t* tiles = weights.tiles + static_cast<std::size_t>(p) * stored_bytes;
    if (weights.bits == 4) {
      auto* expanded = static_cast<std::uint8_t*>(scratch);
      for (int i = 0; i < count; ++i) {
        expand(tiles + static_cast<std::size_t>(i) * stored_bytes, weights.zero_points + (p + i) * kPanelColumns,
               weights.k, expanded + static_cast<std::size_t>(i) * panel_bytes);
      }
      tiles = expanded;
    }
    const WantedNext next(weights.tiles + static_cast<std::size_t>(p + count) * stored_bytes,
                          weights.near ? 0 : static_cast<std::size_t>(count) * stored_bytes, rows);
    if (count == kPanels) {
      const typename EpilogueType::template Columns<false> columns(epilogue, p * kPanelColumns);
      multiply_columns(std::false_type{}, tiles, columns, next);
    } else {
      const typename EpilogueType::template Columns<true> columns(epilogue, p * kPanelColumns);
      multiply_columns(std::true_type{}, tiles, columns, next);
    }
  }
}

}  // namespace
}  // namespace intvit::kernels
