// What is done in small parts between the steps of depth of multiply_block() (tile_blocks_amx.h), so that the tile unit
// need not wait for it.
#pragma once

#include "kernels/gemm/amx/tile_blocks_amx.h"
#include "kernels/gemm/epilogue_simd.h"

namespace intvit::kernels {
namespace {

// How many of `units` are due at each of so many steps, if they are spread evenly.
class Evenly {
 public:
  Evenly() = default;
  Evenly(int units, int steps)
      : every_step_((static_cast<std::uint32_t>(units) * kOne + static_cast<std::uint32_t>(steps) - 1) /
                    static_cast<std::uint32_t>(steps)) {}

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
    Avx512::I32 lo[R], hi[R];
#pragma GCC unroll 2
    for (int r = 0; r < R; ++r) {
      const std::int32_t* at = sums + r * BlockSums::kColumns;
      lo[r] = Avx512::load32(at);
      hi[r] = kHalf ? Avx512::I32(0) : Avx512::load32(at + kPanelColumns);
      if constexpr (kSumShift != 0) {  // else they started from the bias
        lo[r] = VnniZmm::shift_left<kSumShift>(lo[r]) + columns.bias_lo();
        hi[r] = VnniZmm::shift_left<kSumShift>(hi[r]) + columns.bias_hi();
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

}  // namespace
}  // namespace intvit::kernels
