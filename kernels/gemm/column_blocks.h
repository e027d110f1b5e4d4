// The column blocks of epilogue_simd.h one after another, with 4-bit weights expanded.
#pragma once

#include <type_traits>

#include "kernels/gemm/epilogue_simd.h"

namespace intvit::kernels {
namespace {

// Calls multiply_columns(kHalf, tiles, columns) for every block: whether there is half of it only, as a bool_constant;
// its 8-bit tiles, panels k * 16 bytes apart, which for 4-bit weights are in scratch; and Columns<kHalf>. Expand makes
// 8-bit tiles of a panel's nibbles.
template <typename Simd, typename EpilogueType, typename Expand, typename MultiplyColumns>
void for_each_column_block(const LinearWeights& weights, void* scratch, const EpilogueType& epilogue, Expand&& expand,
                           MultiplyColumns&& multiply_columns) {
  constexpr int kPanels = Simd::kLanes16 / kPanelColumns;  // in a block
  static_assert(kPanels == 1 || kPanels == 2);
  const int panels = panel_count(weights.n);
  const std::size_t panel_bytes = static_cast<std::size_t>(weights.k) * kPanelColumns;
  for (int p = 0; p < panels; p += kPanels) {
    const int count = panels - p < kPanels ? 1 : kPanels;
    const std::uint8_t* tiles = weights.tiles + static_cast<std::size_t>(p) * panel_bytes;
    if (weights.bits == 4) {
      auto* expanded = static_cast<std::uint8_t*>(scratch);
      for (int i = 0; i < count; ++i) {
        expand(weights.tiles + static_cast<std::size_t>(p + i) * (panel_bytes / 2),
               weights.zero_points + (p + i) * kPanelColumns, weights.k,
               expanded + static_cast<std::size_t>(i) * panel_bytes);
      }
      tiles = expanded;
    }
    if (count == kPanels) {
      const typename EpilogueType::template Columns<false> columns(epilogue, p * kPanelColumns);
      multiply_columns(std::false_type{}, tiles, columns);
    } else {
      const typename EpilogueType::template Columns<true> columns(epilogue, p * kPanelColumns);
      multiply_columns(std::true_type{}, tiles, columns);
    }
  }
}

}  // namespace
}  // namespace intvit::kernels
