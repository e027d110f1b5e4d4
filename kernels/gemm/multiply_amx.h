// Matrix multiplication with AMX: 2 x 2 tiles of sums, up to 32 rows x 32 columns, at a time. A tile of weights is 16
// groups of a panel just as they lie (tiles.h), a tile of codes 64 codes of up to 16 rows.
//
// Epilogues want sums in zmm registers, and tiles get there through memory only. While one block's products are under
// way in the tile unit, the epilogue works on the sums of the block before.
#pragma once

#include "kernels/gemm/column_blocks.h"
#include "kernels/gemm/vnni_zmm.h"

#ifdef VIT_EMULATED_TILES
#include "kernels/simd/emulated_tiles.h"
#else
#include "kernels/simd/amx_tiles.h"
#endif

namespace intvit::kernels {
namespace {

#ifdef VIT_EMULATED_TILES
using Tiles = EmulatedTiles;
#else
using Tiles = AmxTiles;
#endif

// What the tile registers hold: sums of two tiles of rows times two panels, codes of the rows, weights of the panels.
enum TileNumber : int {
  kUpperLeft,
  kUpperRight,
  kLowerLeft,
  kLowerRight,
  kUpperCodes,
  kLowerCodes,
  kLeftWeights,
  kRightWeights
};

// Rows in tiles of the same height, so that one configuration serves them all. The last may begin within the one before
// it; then it computes those rows a second time, but does not finish them again.
struct RowTiles {
  int rows, count, height;

  explicit RowTiles(int row_count)
      : rows(row_count), count((rows + kTileRows - 1) / kTileRows), height((rows + count - 1) / count) {}

  int first(int tile) const { return (tile + 1) * height <= rows ? tile * height : rows - height; }
  int first_unfinished(int tile) const { return tile * height; }
  int end(int tile) const { return first(tile) + height; }

  TileShapes shapes() const {
    TileShapes shapes;
    for (int i = 0; i < kTiles; ++i) {
      shapes.rows[i] = static_cast<std::uint8_t>(i < kLeftWeights ? height : kTileRows);
      shapes.row_bytes[i] = kTileRowBytes;
    }
    return shapes;
  }
};

// The sums of a block. Lower rows begin at kTileRows, whatever the tiles' height.
struct BlockSums {
  static constexpr int kColumns = 2 * kPanelColumns;
  alignas(64) std::int32_t at[2 * kTileRows][kColumns];
};

// Does something with each tile of sums that there is: kLower, there are two tiles of rows; kHalf, there is one panel.
template <bool kLower, bool kHalf, typename Visit>
inline __attribute__((always_inline)) void for_each_sum(BlockSums& sums, Visit&& visit) {
  visit(std::integral_constant<int, kUpperLeft>{}, sums.at[0]);
  if constexpr (!kHalf) visit(std::integral_constant<int, kUpperRight>{}, sums.at[0] + kPanelColumns);
  if constexpr (kLower) visit(std::integral_constant<int, kLowerLeft>{}, sums.at[kTileRows]);
  if constexpr (kLower && !kHalf) {
    visit(std::integral_constant<int, kLowerRight>{}, sums.at[kTileRows] + kPanelColumns);
  }
}

// Tiles of codes from `upper` and `lower` on, times one panel or two. If plane_stride is not 0, the high bytes there go
// first, and the low ones on top of 256 times their sums.
template <bool kLower, bool kHalf>
void multiply_block(const std::uint8_t* upper, const std::uint8_t* lower, std::ptrdiff_t stride,
                    std::ptrdiff_t plane_stride, int height, const std::uint8_t* panel, int k, BlockSums& sums,
                    WantedNext& next) {
  constexpr std::ptrdiff_t kSumStride = sizeof sums.at[0];
  for_each_sum<kLower, kHalf>(sums, [](auto tile, std::int32_t*) { Tiles::zero<tile>(); });
  for (std::ptrdiff_t plane = plane_stride;; plane = 0) {
    const std::uint8_t* left = panel;
    const std::uint8_t* right = panel + static_cast<std::ptrdiff_t>(k) * kPanelColumns;
    for (int d = 0; d < k; d += kDepthPadding) {
      next.fetch();
      Tiles::load<kLeftWeights>(left + d * kPanelColumns, kGroupBytes);
      Tiles::load<kUpperCodes>(upper + plane + d, stride);
      Tiles::dot_u8s8<kUpperLeft, kUpperCodes, kLeftWeights>();
      if constexpr (!kHalf) {
        Tiles::load<kRightWeights>(right + d * kPanelColumns, kGroupBytes);
        Tiles::dot_u8s8<kUpperRight, kUpperCodes, kRightWeights>();
      }
      if constexpr (kLower) {
        Tiles::load<kLowerCodes>(lower + plane + d, stride);
        Tiles::dot_u8s8<kLowerLeft, kLowerCodes, kLeftWeights>();
        if constexpr (!kHalf) Tiles::dot_u8s8<kLowerRight, kLowerCodes, kRightWeights>();
      }
    }
    for_each_sum<kLower, kHalf>(sums, [](auto tile, std::int32_t* at) { Tiles::store<tile>(at, kSumStride); });
    if (plane == 0) return;
    for_each_sum<kLower, kHalf>(sums, [&](auto tile, std::int32_t* at) {
      for (int r = 0; r < height; ++r) {
        std::int32_t* row = at + r * BlockSums::kColumns;
        Avx512::store32(row, VnniZmm::shift_left<8>(Avx512::load32(row)));
      }
      Tiles::load<tile>(at, kSumStride);
    });
  }
}

// The epilogue of R rows of sums, of which `row` is the first.
template <int R, bool kHalf, int kSumShift, typename Columns>
inline __attribute__((always_inline)) void finish_sums(const std::int32_t* sums, int row, const Columns& columns) {
  __m512i lo[R], hi[R];
#pragma GCC unroll 2
  for (int r = 0; r < R; ++r) {
    const std::int32_t* at = sums + r * BlockSums::kColumns;
    const auto sum = [](const std::int32_t* p) { return VnniZmm::shift_left<kSumShift>(Avx512::load32(p)); };
    lo[r] = Avx512::add32(sum(at), columns.bias_lo());
    hi[r] = kHalf ? columns.bias_hi() : Avx512::add32(sum(at + kPanelColumns), columns.bias_hi());
  }
  finish_rows<R>(columns, row, lo, hi);
}

// The epilogue of two tiles of rows, or of one if there are no more.
template <bool kHalf, int kSumShift, typename Columns>
void finish_block(const RowTiles& tiles, int tile, const BlockSums& sums, const Columns& columns) {
  for (int i = 0; i < 2 && tile + i < tiles.count; ++i) {
    int row = tiles.first_unfinished(tile + i);
    const auto sums_of = [&](int r) { return sums.at[i * kTileRows + r - tiles.first(tile + i)]; };
    for (; row + 2 <= tiles.end(tile + i); row += 2) finish_sums<2, kHalf, kSumShift>(sums_of(row), row, columns);
    if (row < tiles.end(tile + i)) finish_sums<1, kHalf, kSumShift>(sums_of(row), row, columns);
  }
}

template <bool kHalf, int kSumShift, typename Columns>
void multiply_tiles(const std::uint8_t* src, std::ptrdiff_t stride, std::ptrdiff_t plane, const RowTiles& tiles,
                    const std::uint8_t* panel, int k, const Columns& columns, WantedNext next) {
  BlockSums sums[2];
  for (int tile = 0; tile < tiles.count; tile += 2) {
    BlockSums& now = sums[tile / 2 % 2];
    const BlockSums& before = sums[1 - tile / 2 % 2];
    const std::uint8_t* upper = src + tiles.first(tile) * stride;
    if (tile + 1 < tiles.count) {
      const std::uint8_t* lower = src + tiles.first(tile + 1) * stride;
      multiply_block<true, kHalf>(upper, lower, stride, plane, tiles.height, panel, k, now, next);
    } else {
      multiply_block<false, kHalf>(upper, nullptr, stride, plane, tiles.height, panel, k, now, next);
    }
    if (tile > 0) finish_block<kHalf, kSumShift>(tiles, tile - 2, before, columns);
  }
  const int last = (tiles.count - 1) / 2 * 2;
  finish_block<kHalf, kSumShift>(tiles, last, sums[last / 2 % 2], columns);
}

template <int kSumShift, typename EpilogueType>
void multiply_panels_amx(const std::uint8_t* src, std::ptrdiff_t stride, std::ptrdiff_t plane, const RowTiles& tiles,
                         const LinearWeights& weights, void* scratch, const EpilogueType& epilogue) {
  // One for every step of depth of every block of rows and plane.
  const auto steps = static_cast<std::size_t>((tiles.count + 1) / 2) *
                     static_cast<std::size_t>(weights.k / kDepthPadding) * (plane == 0 ? 1u : 2u);
  for_each_column_block<Avx512>(steps, weights, scratch, epilogue, VnniZmm::expand_panel,
                                [&](auto half, const std::uint8_t* panel, const auto& columns, const WantedNext& next) {
                                  multiply_tiles<half, kSumShift>(src, stride, plane, tiles, panel, weights.k, columns,
                                                                  next);
                                });
}

// The same interface in multiply_<isa>.h of every instruction set, but that k must be a multiple of kDepthPadding:
// tiles hold whole steps of depth only.
template <typename EpilogueType>
void multiply(const std::uint8_t* src, std::ptrdiff_t stride, int rows, const LinearWeights& weights, void* scratch,
              const EpilogueType& epilogue, std::ptrdiff_t plane_stride = 0) {
  if (rows == 0) return;
  const RowTiles tiles(rows);
  Tiles::configure(tiles.shapes());
  if (weights.bits == 4) {
    multiply_panels_amx<kNibbleShift>(src, stride, plane_stride, tiles, weights, scratch, epilogue);
  } else {
    multiply_panels_amx<0>(src, stride, plane_stride, tiles, weights, scratch, epilogue);
  }
  Tiles::release();
}

}  // namespace
}  // namespace intvit::kernels
