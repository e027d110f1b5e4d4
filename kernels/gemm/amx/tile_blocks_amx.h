// A block of a multiplication with AMX: 2 x 2 tiles of sums, up to 32 rows x 32 columns. A tile of weights is 16 groups
// of a panel just as they lie (tiles.h), a tile of codes 64 codes of up to 16 rows.
#pragma once

#include <type_traits>

#include "kernels/gemm/linear.h"
#include "kernels/gemm/vnni/vnni_zmm.h"
#include "kernels/simd/amx_tiles.h"

namespace intvit::kernels {
namespace {

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
  // Of a block: the tile, and the next one where there is one.
  bool has_lower(int tile) const { return tile + 1 < count; }
  int lower_begins(int tile) const { return first(tile + 1) - first(tile); }  // rows after the upper tile's first
  int block_end(int tile) const { return end(has_lower(tile) ? tile + 1 : tile); }

  TileShapes shapes() const {
    TileShapes shapes;
    for (int i = 0; i < kTiles; ++i) {
      shapes.rows[i] = static_cast<std::uint8_t>(i < kLeftWeights ? height : kTileRows);
      shapes.row_bytes[i] = kTileRowBytes;
    }
    return shapes;
  }
};

// Where a block's sums go. Where its lower tile begins within the upper one, both have the same sums there.
struct SumTiles {
  std::int32_t* upper;
  std::int32_t* lower;    // unless there is one tile of rows
  int rows;               // of both together
  std::ptrdiff_t stride;  // elements between rows

  std::ptrdiff_t row_bytes() const { return stride * static_cast<std::ptrdiff_t>(sizeof *upper); }
};

// Where its codes are.
struct CodeTiles {
  const std::uint8_t* upper;
  const std::uint8_t* lower;
  std::ptrdiff_t stride;
  // If not 0, the high bytes there go first, and the low ones on top of 256 times their sums.
  std::ptrdiff_t plane_stride;
};

// Does something with each tile of sums that there is, given its first row and first column. kLower: there are two
// tiles of rows; kHalf: there is one panel.
template <bool kLower, bool kHalf, typename Visit>
inline __attribute__((always_inline)) void for_each_sum(const SumTiles& sums, Visit&& visit) {
  visit(std::integral_constant<int, kUpperLeft>{}, sums.upper, 0);
  if constexpr (!kHalf) visit(std::integral_constant<int, kUpperRight>{}, sums.upper + kPanelColumns, kPanelColumns);
  if constexpr (kLower) visit(std::integral_constant<int, kLowerLeft>{}, sums.lower, 0);
  if constexpr (kLower && !kHalf) {
    visit(std::integral_constant<int, kLowerRight>{}, sums.lower + kPanelColumns, kPanelColumns);
  }
}

// Depth goes forwards and backwards in turn: what the first level of the cache still has of the panels is what was read
// last.
enum class Direction { forwards, backwards };

// Codes times one panel or two. Sums start from `start`, a number per column, or from 0 if it is null. between() is
// called with every step of depth.
template <bool kLower, bool kHalf, typename Between>
inline __attribute__((always_inline)) void multiply_block(const CodeTiles& codes, const std::uint8_t* panel, int k,
                                                          Direction direction, const std::int32_t* start,
                                                          const SumTiles& sums, Between&& between) {
  const bool starts_now = start != nullptr && codes.plane_stride == 0;
  for_each_sum<kLower, kHalf>(sums, [&](auto tile, std::int32_t*, int column) {
    if (starts_now) {
      Tiles::load<tile>(start + column, 0);  // every row is the same
    } else {
      Tiles::zero<tile>();
    }
  });
  const std::ptrdiff_t first = direction == Direction::forwards ? 0 : k - kDepthPadding;
  const std::ptrdiff_t to_next = direction == Direction::forwards ? kDepthPadding : -kDepthPadding;
  const std::ptrdiff_t to_right = std::ptrdiff_t{k} * kPanelColumns;
  const std::ptrdiff_t to_lower = kLower ? codes.lower - codes.upper : 0;
  for (std::ptrdiff_t plane = codes.plane_stride;; plane = 0) {
    const std::uint8_t* rows = codes.upper + plane + first;
    const std::uint8_t* weights = panel + first * kPanelColumns;
    for (int left = k; left > 0; left -= kDepthPadding) {
      Tiles::load<kUpperCodes>(rows, codes.stride);
      Tiles::load<kLeftWeights>(weights, kGroupBytes);
      if constexpr (!kHalf) Tiles::load<kRightWeights>(weights + to_right, kGroupBytes);
      if constexpr (kLower) Tiles::load<kLowerCodes>(rows + to_lower, codes.stride);
      between();
      Tiles::dot_u8s8<kUpperLeft, kUpperCodes, kLeftWeights>();
      if constexpr (!kHalf) Tiles::dot_u8s8<kUpperRight, kUpperCodes, kRightWeights>();
      if constexpr (kLower) {
        Tiles::dot_u8s8<kLowerLeft, kLowerCodes, kLeftWeights>();
        if constexpr (!kHalf) Tiles::dot_u8s8<kLowerRight, kLowerCodes, kRightWeights>();
      }
      rows += to_next;
      weights += to_next * kPanelColumns;
    }
    for_each_sum<kLower, kHalf>(sums,
                                [&](auto tile, std::int32_t* at, int) { Tiles::store<tile>(at, sums.row_bytes()); });
    if (plane == 0) return;
    for (int column = 0; column < (kHalf ? 1 : 2) * kPanelColumns; column += kPanelColumns) {
      const auto more = start != nullptr ? Avx512::load32(start + column) : Avx512::I32(0);
      for (int r = 0; r < sums.rows; ++r) {
        std::int32_t* at = sums.upper + r * sums.stride + column;
        Avx512::store(at, VnniZmm::shift_left<8>(Avx512::load32(at)) + more);
      }
    }
    for_each_sum<kLower, kHalf>(sums,
                                [&](auto tile, std::int32_t* at, int) { Tiles::load<tile>(at, sums.row_bytes()); });
  }
}

// One multiplication: src x weights.
struct Factors {
  const std::uint8_t* src;
  std::ptrdiff_t stride, plane_stride;
  RowTiles tiles;
  const LinearWeights& weights;

  int row_blocks() const { return (tiles.count + 1) / 2; }
  int steps_of_block() const { return weights.k / kDepthPadding * (plane_stride == 0 ? 1 : 2); }

  // The block of the tile of rows and the next, and a panel or two.
  template <bool kHalf, typename Between>
  void multiply(int tile, const std::uint8_t* panel, const std::int32_t* start, std::int32_t* sums,
                std::ptrdiff_t sum_stride, Between&& between) const {
    const std::uint8_t* codes = src + tiles.first(tile) * stride;
    const int rows = tiles.block_end(tile) - tiles.first(tile);
    const auto direction = tile / 2 % 2 == 0 ? Direction::forwards : Direction::backwards;
    if (tiles.has_lower(tile)) {
      const int lower = tiles.lower_begins(tile);
      multiply_block<true, kHalf>({codes, codes + lower * stride, stride, plane_stride}, panel, weights.k, direction,
                                  start, {sums, sums + lower * sum_stride, rows, sum_stride}, between);
    } else {
      multiply_block<false, kHalf>({codes, nullptr, stride, plane_stride}, panel, weights.k, direction, start,
                                   {sums, nullptr, rows, sum_stride}, between);
    }
  }
};

// Calls visit(kHalf, panel) for every column block, the first of its panels; kHalf, as a bool_constant: it has no
// other.
template <typename Visit>
void for_each_block(int panels, Visit&& visit) {
  int p = 0;
  for (; p + 2 <= panels; p += 2) visit(std::false_type{}, p);
  if (p < panels) visit(std::true_type{}, p);
}

}  // namespace
}  // namespace intvit::kernels
