// Matrix multiplication with AMX: 2 x 2 tiles of sums, up to 32 rows x 32 columns, at a time. A tile of weights is 16
// groups of a panel just as they lie (tiles.h), a tile of codes 64 codes of up to 16 rows.
//
// Epilogues want sums in zmm registers, and tiles get there through memory only. So that the tile unit need not wait,
// all else is done in small parts between its instructions: with every step of depth of a block goes a part of the
// epilogue of the block before, and of the expansion of the next columns' 4-bit weights.
#pragma once

#include <optional>
#include <type_traits>

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
  std::ptrdiff_t
      plane_stride;  // if not 0, the high bytes there go first, and the low ones on top of 256 times their sums
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
      const auto more = start != nullptr ? Avx512::load32(start + column) : Avx512::zero();
      for (int r = 0; r < sums.rows; ++r) {
        std::int32_t* at = sums.upper + r * sums.stride + column;
        Avx512::store32(at, Avx512::add32(VnniZmm::shift_left<8>(Avx512::load32(at)), more));
      }
    }
    for_each_sum<kLower, kHalf>(sums,
                                [&](auto tile, std::int32_t* at, int) { Tiles::load<tile>(at, sums.row_bytes()); });
  }
}

// How many of `units` are due at each of so many steps, if they are spread evenly.
class Evenly {
 public:
  Evenly() = default;
  Evenly(int units, int steps)
      : every_step_((static_cast<std::uint32_t>(units) * kOne - 1) / static_cast<std::uint32_t>(steps) + 1) {}

  int due() {
    sum_ += every_step_;
    const int whole = static_cast<int>(sum_ / kOne);
    sum_ %= kOne;
    return whole;
  }

 private:
  static constexpr std::uint32_t kOne = 1 << 12;
  std::uint32_t every_step_ = 0, sum_ = 0;
};

// The sums of a block that waits for its epilogue, by rows from its first one on.
struct BlockSums {
  static constexpr int kColumns = 2 * kPanelColumns;
  alignas(64) std::int32_t at[2 * kTileRows][kColumns];
};

// Rows of a block that wait for their epilogue.
template <int kSumShift, typename EpilogueType>
class WaitingRows {
 public:
  template <bool kHalf>
  using Columns = typename EpilogueType::template Columns<kHalf>;

  // Rows [begin, end), whose sums begin at `sums`, to be finished in so many steps. No others may wait.
  template <bool kHalf>
  void wait(const std::int32_t* sums, int begin, int end, const Columns<kHalf>& columns, int steps) {
    if constexpr (kHalf) {
      half_ = &columns;
    } else {
      whole_ = &columns;
    }
    sums_ = sums;
    row_ = begin;
    end_ = end;
    pairs_ = Evenly((end - begin + 1) / 2, steps);
  }

  void step() {
    if (const int pairs = pairs_.due(); pairs > 0) finish(row_ + 2 * pairs < end_ ? row_ + 2 * pairs : end_);
  }
  void finish_all() {
    if (row_ < end_) finish(end_);
  }

 private:
  void finish(int end) {
    if (half_ != nullptr) {
      finish_rows_to<true>(end, *half_);
    } else {
      finish_rows_to<false>(end, *whole_);
    }
  }

  // Not inlined, or there would be many copies of every epilogue.
  template <bool kHalf>
  __attribute__((noinline)) void finish_rows_to(int end, const Columns<kHalf>& columns) {
    const std::int32_t* sums = sums_;
    int row = row_;
    for (; row + 2 <= end; row += 2, sums += 2 * BlockSums::kColumns) finish_sums<2, kHalf>(sums, row, columns);
    if (row < end) {
      finish_sums<1, kHalf>(sums, row, columns);
      sums += BlockSums::kColumns;
    }
    sums_ = sums;
    row_ = end;
  }

  template <int R, bool kHalf>
  static void finish_sums(const std::int32_t* sums, int row, const Columns<kHalf>& columns) {
    __m512i lo[R], hi[R];
#pragma GCC unroll 2
    for (int r = 0; r < R; ++r) {
      const std::int32_t* at = sums + r * BlockSums::kColumns;
      lo[r] = Avx512::load32(at);
      hi[r] = kHalf ? Avx512::zero() : Avx512::load32(at + kPanelColumns);
      if constexpr (kSumShift != 0) {  // else they started from the bias
        lo[r] = Avx512::add32(VnniZmm::shift_left<kSumShift>(lo[r]), columns.bias_lo());
        hi[r] = Avx512::add32(VnniZmm::shift_left<kSumShift>(hi[r]), columns.bias_hi());
      }
    }
    finish_rows<R>(columns, row, lo, hi);
  }

  const Columns<false>* whole_ = nullptr;
  const Columns<true>* half_ = nullptr;  // the last block only
  const std::int32_t* sums_ = nullptr;
  int row_ = 0, end_ = 0;
  Evenly pairs_;
};

// 8-bit tiles of some panels of 4-bit ones, made in parts.
class Expansion {
 public:
  Expansion() = default;  // of nothing
  Expansion(const LinearWeights& weights, int panel, int count, std::uint8_t* dst, int steps)
      : nibbles_(weights.tiles + static_cast<std::ptrdiff_t>(panel) * weights.k * kPanelColumns / 2),
        zero_points_(weights.zero_points + panel * kPanelColumns),
        dst_(dst),
        vectors_in_panel_(weights.k / kVectorDepth),
        left_(count * vectors_in_panel_),
        due_(left_, steps) {}

  void step() {
    if (const int due = due_.due(); due > 0 && left_ > 0) expand(due < left_ ? due : left_);
  }
  void expand_all() {
    if (left_ > 0) expand(left_);
  }

 private:
  static constexpr int kVectorDepth = 2 * kGroupDepth;  // of kGroupBytes of nibbles

  void expand(int vectors) {
    for (left_ -= vectors; vectors > 0; --vectors, nibbles_ += kGroupBytes, dst_ += 2 * kGroupBytes) {
      if (left_in_panel_ == 0) {
        zeros_ = VnniZmm::spread_zero_points(zero_points_);
        zero_points_ += kPanelColumns;
        left_in_panel_ = vectors_in_panel_;
      }
      --left_in_panel_;
      VnniZmm::expand_groups(nibbles_, zeros_, dst_);
    }
  }

  const std::uint8_t* nibbles_ = nullptr;
  const std::uint8_t* zero_points_ = nullptr;
  std::uint8_t* dst_ = nullptr;
  __m512i zeros_ = _mm512_setzero_si512();  // of the panel that is under way
  int vectors_in_panel_ = 0, left_in_panel_ = 0, left_ = 0;
  Evenly due_;
};

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

// One step of depth and one or two tiles of rows, such as scores of attention: codes stay in their tiles, and a panel's
// sums are stored while the next panel's are under way.
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
  const auto count_from = [&](int p) { return p >= panels ? 0 : p + 1 == panels ? 1 : 2; };

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
      expansion = Expansion(weights, p + 2, count_from(p + 2), expanded(p + 2), steps);
      fetched = p + 4;
    }
    const auto fetch_steps = static_cast<std::size_t>(steps);
    WantedNext next = p + 2 >= panels ? WantedNext(weights.next, weights.next_bytes, fetch_steps)
                                      : WantedNext(weights.tiles + stored(fetched),
                                                   weights.near ? 0 : stored(count_from(fetched)), fetch_steps);

    auto& now = [&]() -> auto& {
      if constexpr (half) {
        return half_columns;
      } else {
        return columns[p / 2 % 2];
      }
    }
    ();
    now.emplace(epilogue, p * kPanelColumns);
    alignas(64) std::int32_t start[2 * kPanelColumns];
    Avx512::store32(start, now->bias_lo());
    Avx512::store32(start + kPanelColumns, now->bias_hi());
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
