// Matrix multiplication with AMX, block by block (tile_blocks_amx.h).
//
// Epilogues want sums in zmm registers, and tiles get there through memory only. So that the tile unit need not wait,
// all else is done in small parts between its instructions: with every step of depth of a block goes a part of the
// epilogue of the block before, and of the expansion of the next columns' 4-bit weights.
//
// The first of these ways that can take the factors is taken:
//
//   multiply_one_step()   plain sums, one plane, a depth of 64 and at most 32 rows, such as scores of attention: codes
//                         are loaded once for all panels
//   multiply_into()       plain sums of 8-bit weights otherwise: tiles are stored where the sums belong
//   multiply_panels()     all else: blocks of sums wait in memory for their epilogue
#pragma once

#include <optional>
#include <type_traits>

#include "kernels/gemm/amx/between_steps_amx.h"
#include "kernels/gemm/amx/tile_blocks_amx.h"
#include "kernels/gemm/column_blocks.h"

namespace intvit::kernels {
namespace {

// One step of depth and one or two tiles of rows: codes stay in their tiles. A panel's sums are stored while the next
// panel's are under way.
template <bool kLower>
void multiply_one_step(const Factors& factors, const AccumulatorsEpilogue<Avx512>& epilogue) {
  const int panels = panel_count(factors.weights.n);
  const std::ptrdiff_t lower = kLower ? factors.tiles.lower_begins(0) : 0;
  Tiles::load<kUpperCodes>(factors.src, factors.stride);
  if constexpr (kLower) Tiles::load<kLowerCodes>(factors.src + lower * factors.stride, factors.stride);
  const auto start = [&](auto sums, int p) {
    if (epilogue.bias != nullptr) {
      Tiles::load<sums>(epilogue.bias + p * kPanelColumns, 0);  // every row is the same
    } else {
      Tiles::zero<sums>();
    }
  };
  const auto multiply = [&](auto upper_sums, auto lower_sums, auto weights, int p) {
    Tiles::load<weights>(factors.weights.tiles + std::ptrdiff_t{p} * kPanelColumns * kDepthPadding, kGroupBytes);
    start(upper_sums, p);
    Tiles::dot_u8s8<upper_sums, kUpperCodes, weights>();
    if constexpr (kLower) {
      start(lower_sums, p);
      Tiles::dot_u8s8<lower_sums, kLowerCodes, weights>();
    }
  };
  const auto store = [&](auto upper_sums, auto lower_sums, int p) {
    std::int32_t* dst = epilogue.dst + p * kPanelColumns;
    const std::ptrdiff_t row_bytes = epilogue.stride * static_cast<std::ptrdiff_t>(sizeof *dst);
    Tiles::store<upper_sums>(dst, row_bytes);
    if constexpr (kLower) Tiles::store<lower_sums>(dst + lower * epilogue.stride, row_bytes);
  };
  constexpr std::integral_constant<int, kUpperLeft> left;
  constexpr std::integral_constant<int, kLowerLeft> lower_left;
  constexpr std::integral_constant<int, kUpperRight> right;
  constexpr std::integral_constant<int, kLowerRight> lower_right;
  constexpr std::integral_constant<int, kLeftWeights> left_weights;
  constexpr std::integral_constant<int, kRightWeights> right_weights;
  multiply(left, lower_left, left_weights, 0);
  for (int p = 1; p <= panels; p += 2) {  // panels of odd numbers are right ones; p - 1 is under way
    if (p < panels) multiply(right, lower_right, right_weights, p);
    store(left, lower_left, p - 1);
    if (p + 1 < panels) multiply(left, lower_left, left_weights, p + 1);
    if (p < panels) store(right, lower_right, p);
  }
}

// Where nothing is done to the sums, tiles are stored where they belong.
inline void multiply_into(const Factors& factors, const AccumulatorsEpilogue<Avx512>& epilogue) {
  const RowTiles& tiles = factors.tiles;
  if (factors.weights.k == kDepthPadding && tiles.count <= 2 && factors.plane_stride == 0) {
    return tiles.count == 2 ? multiply_one_step<true>(factors, epilogue) : multiply_one_step<false>(factors, epilogue);
  }
  for_each_block(panel_count(factors.weights.n), [&](auto half, int p) {
    const int column = p * kPanelColumns;
    const std::uint8_t* panel = factors.weights.tiles + static_cast<std::ptrdiff_t>(column) * factors.weights.k;
    const std::int32_t* start = epilogue.bias != nullptr ? epilogue.bias + column : nullptr;
    for (int tile = 0; tile < tiles.count; tile += 2) {
      factors.multiply<half>(tile, panel, start, epilogue.dst + tiles.first(tile) * epilogue.stride + column,
                             epilogue.stride, [] {});
    }
  });
}

// Blocks of sums one after the other, all rows of a column block before the next.
template <int kSumShift, typename EpilogueType>
void multiply_panels(const Factors& factors, void* scratch, const EpilogueType& epilogue) {
  const LinearWeights& weights = factors.weights;
  const RowTiles& tiles = factors.tiles;
  const int panels = panel_count(weights.n);
  const int steps = factors.row_blocks() * factors.steps_of_block();  // of a column block
  const std::ptrdiff_t panel_bytes = static_cast<std::ptrdiff_t>(weights.k) * kPanelColumns;
  const auto stored = [&](int count) { return static_cast<std::size_t>(count * panel_bytes * weights.bits / 8); };
  // Of 4-bit weights: 8-bit tiles of this column block and of the next.
  const auto expanded = [&](int p) { return static_cast<std::uint8_t*>(scratch) + p / 2 % 2 * 2 * panel_bytes; };
  const auto count_from = [&](int p) { return p + 1 == panels ? 1 : 2; };  // panels of the block that begins there

  BlockSums sums[2];
  int block = 0;
  // What the epilogue knows of this column block and of the one before, whose last rows may be waiting.
  std::optional<typename EpilogueType::template Columns<false>> columns[2];
  std::optional<typename EpilogueType::template Columns<true>> half_columns;
  WaitingRows<kSumShift, EpilogueType> waiting;
  if (weights.bits == 4) Expansion(weights, 0, count_from(0), expanded(0), 1).expand_all();

  for_each_block(panels, [&](auto half, int p) {
    const std::uint8_t* panel = weights.tiles + stored(p);
    // 8-bit weights are fetched a column block ahead, 4-bit ones two, as they are expanded one ahead.
    Expansion expansion;
    int fetched = p + 2;
    if (weights.bits == 4) {
      panel = expanded(p);
      if (p + 2 < panels) expansion = Expansion(weights, p + 2, count_from(p + 2), expanded(p + 2), steps);
      fetched = p + 4;
    }
    const auto fetch_steps = static_cast<std::size_t>(steps);
    WantedNext next(nullptr, 0, fetch_steps);
    if (p + 2 >= panels) {
      next = WantedNext(weights.next, weights.next_bytes, fetch_steps);
    } else if (fetched < panels && !weights.just_packed) {
      next = WantedNext(weights.tiles + stored(fetched), stored(count_from(fetched)), fetch_steps);
    }

    const auto columns_of_block = [&]() -> auto& {
      if constexpr (half) {
        return half_columns;
      } else {
        return columns[p / 2 % 2];
      }
    };
    begin_aside(epilogue, panel, weights.k, half);
    auto& now = columns_of_block();
    now.emplace(epilogue, p * kPanelColumns);
    alignas(64) std::int32_t start[2 * kPanelColumns];
    Avx512::store(start, now->bias_lo());
    Avx512::store(start + kPanelColumns, now->bias_hi());
    for (int tile = 0; tile < tiles.count; tile += 2, ++block) {
      std::int32_t* const block_sums = sums[block % 2].at[0];
      factors.multiply<half>(tile, panel, kSumShift == 0 ? start : nullptr, block_sums, BlockSums::kColumns, [&] {
        next.fetch();
        expansion.step();
        waiting.step();
      });
      waiting.finish_all();
      const int unfinished = tiles.first_unfinished(tile);
      waiting.wait(block_sums + (unfinished - tiles.first(tile)) * BlockSums::kColumns, unfinished,
                   tiles.block_end(tile), *now, factors.steps_of_block());
    }
    expansion.expand_all();
  });
  waiting.finish_all();
}

// The same interface in multiply_<isa>.h of every instruction set, but that k must be a multiple of kDepthPadding:
// tiles hold whole steps of depth only. Tiles stay configured from one call to the next.
class Multiplier {
 public:
  static constexpr bool kSmallWeightsAreFaster = false;
  static constexpr bool kSumsStayInTiles = true;  // with AccumulatorsEpilogue, and fastest for two tiles of rows

  static void prepare(LinearWeights&, void*) {}

  Multiplier() = default;
  Multiplier(const Multiplier&) = delete;
  Multiplier& operator=(const Multiplier&) = delete;
  ~Multiplier() {
    if (height_ != 0) Tiles::release();
  }

  template <typename EpilogueType>
  void operator()(const std::uint8_t* src, std::ptrdiff_t stride, int rows, const LinearWeights& weights, void* scratch,
                  const EpilogueType& epilogue, std::ptrdiff_t plane_stride = 0) {
    if (rows == 0) return;
    const Factors factors{src, stride, plane_stride, RowTiles(rows), weights};
    if (height_ != factors.tiles.height) {
      Tiles::configure(factors.tiles.shapes());
      height_ = factors.tiles.height;
    }
    if (weights.bits == 4 && wants_shifted_sums(epilogue)) {
      multiply_panels<kNibbleShift>(factors, scratch, epilogue);
    } else if constexpr (std::is_same_v<EpilogueType, AccumulatorsEpilogue<Avx512>>) {
      multiply_into(factors, epilogue);
    } else {
      multiply_panels<0>(factors, scratch, epilogue);
    }
  }

 private:
  int height_ = 0;  // of configured tiles; 0: there are none
};

}  // namespace
}  // namespace intvit::kernels
