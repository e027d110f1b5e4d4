// The column blocks of epilogue_simd.h one after another, with 4-bit weights expanded.
#pragma once

#include <type_traits>

#include "kernels/cpu/cpu.h"
#include "kernels/gemm/epilogue_simd.h"

namespace intvit::kernels {
namespace {

// Weights that are wanted next. A multiplication fetches a few lines of them into the second cache level with every
// step or every few steps of its work. Weights are read once a picture, so they come from beyond that level; many lines
// on their way at once would delay what the rows need.
class WantedNext {
 public:
  // `bytes` of them, during `steps` steps.
  WantedNext(const std::uint8_t* begin, std::size_t bytes, std::size_t steps) : at_(begin), end_(begin + bytes) {
    const std::size_t lines = bytes / 64;
    if (lines == 0 || steps == 0) return;
    lines_per_fetch_ = static_cast<int>((lines - 1) / steps + 1);
    bytes_per_step_ = static_cast<std::ptrdiff_t>((bytes - 1) / steps + 1);
  }

  // A step's, in whole lines.
  void fetch() {
    for (int i = 0; i < lines_per_fetch_ && at_ < end_; ++i, at_ += 64) prefetch<2>(at_);
  }

  // A step's, mostly a part of a line, in the innermost loop of a multiplication: there a branch costs more than it
  // does to ask for a line again, and `begin` must be somewhere even if nothing is wanted.
  void fetch_part() {
    prefetch<2>(at_);
    at_ += bytes_per_step_;
  }

 private:
  const std::uint8_t* at_;
  const std::uint8_t* end_;
  int lines_per_fetch_ = 0;
  std::ptrdiff_t bytes_per_step_ = 0;
};

// Which tile of rows is the i-th: the upper half goes from its first tile on, the lower half from its last. At a
// constant stride down to the end hardware seems to fetch on into the rows of the thread next door, which is writing
// them (docs/performance.md).
constexpr int tile_in_turn(int i, int tiles) {
  const int ascending = (tiles + 1) / 2;
  return i < ascending ? i : tiles - 1 - (i - ascending);
}

// Calls multiply_columns(kHalf, tiles, columns, next) for every block: whether there is half of it only, as a
// bool_constant; its 8-bit tiles, panels k * 16 bytes apart, which for 4-bit weights are in scratch; Columns<kHalf>;
// and the weights of the next block, to be fetched in as many steps. Expand makes 8-bit tiles of a panel's nibbles.
template <typename Simd, typename EpilogueType, typename Expand, typename MultiplyColumns>
void for_each_column_block(std::size_t steps, const LinearWeights& weights, void* scratch, const EpilogueType& epilogue,
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
    const bool last = p + count >= panels;
    const std::uint8_t* after = weights.tiles + static_cast<std::size_t>(p + count) * stored_bytes;
    const std::size_t wanted = last                  ? weights.next_bytes
                               : weights.just_packed ? 0
                                                     : static_cast<std::size_t>(count) * stored_bytes;
    const WantedNext next(wanted == 0 ? tiles : last ? weights.next : after, wanted, steps);
    begin_aside(epilogue, tiles, weights.k, count < kPanels);
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
