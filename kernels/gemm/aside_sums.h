// What values aside (linear.h) add to the sums of a column block (epilogue_simd.h).
//
// A product by one value and a column block is a group of weights as it lies (tiles.h), multiplied by a group of codes
// of which one is 1 and the others are 0, and then by the excess. Lists have few entries and of many different numbers:
// a loop over each would guess wrongly, once a row and column block, when it ends. So rows are sorted by the lengths of
// their lists, once a call, and four of about the same length are added up at a time, whose sums need not wait for each
// other.
#pragma once

#include <cstring>

#include "kernels/gemm/linear.h"
#include "kernels/gemm/linear_law.h"
#include "kernels/gemm/tiles.h"

namespace intvit::kernels {
namespace {

template <typename Simd>
class AsideSums {
 public:
  static constexpr int kColumns = Simd::kLanes16;  // of a block

  // Up to kAsideRows rows. A weight is counted `one` times.
  AsideSums(const AsideLists& aside, int rows, int one) : rows_(rows) {
    const int fours = (rows + 3) / 4;
    buffers_[0] = static_cast<std::int32_t*>(aside.scratch);
    buffers_[1] = buffers_[0] + (rows + 1) * kColumns;  // the last row is for what four rows more than there are
    steps_ = reinterpret_cast<Step*>(buffers_[1] + (rows + 1) * kColumns);
    fours_ = fours_end_ = reinterpret_cast<Four*>(steps_ + static_cast<std::ptrdiff_t>(fours) * aside.most);
    sort_rows(aside);
    if (any()) list_steps(aside, one);
  }
  AsideSums(const AsideSums&) = delete;
  AsideSums& operator=(const AsideSums&) = delete;

  bool any() const { return empty_ < rows_; }

  // The next column block: its 8-bit tiles, of a depth of k. half: it has one panel instead of two. The sums of the
  // block before stay where they are.
  __attribute__((noinline)) void multiply(const std::uint8_t* tiles, int k, bool half) {
    constexpr bool kTwoPanels = Simd::kLanes32 == kPanelColumns;
    const std::uint8_t* right =
        tiles + (kTwoPanels ? half ? 0 : static_cast<std::ptrdiff_t>(k) * kPanelColumns : kGroupBytes / 2);
    block_ ^= 1;
    std::int32_t* const sums = buffers_[block_];
    const Step* step = steps_;
    for (const Four *four = fours_, *end = fours_end_; four < end; ++four) {
      typename Simd::I32 lo[4] = {0, 0, 0, 0}, hi[4] = {0, 0, 0, 0};
      for (const Step* last = step + four->steps; step < last; ++step) {
#pragma GCC unroll 4
        for (int r = 0; r < 4; ++r) {
          const typename Simd::I32 group(step->group[r]);
          const typename Simd::I16 excess(typename Simd::I32(step->excesses[r]).data);
          const std::size_t at = step->offset[r];
          const auto weights = [&](const std::uint8_t* panel) {
            return Simd::multiply_add_bytes(group, Simd::load32(panel + at));
          };
          lo[r] = Simd::add_products_of_pairs(lo[r], weights(tiles), excess);
          hi[r] = Simd::add_products_of_pairs(hi[r], weights(right), excess);
        }
      }
#pragma GCC unroll 4
      for (int r = 0; r < 4; ++r) {
        Simd::store(sums + four->sums[r], lo[r]);
        Simd::store(sums + four->sums[r] + Simd::kLanes32, hi[r]);
      }
    }
  }

  // Of the last column block, [rows][kColumns].
  const std::int32_t* sums() const { return buffers_[block_]; }

 private:
  // An entry of each of four rows.
  struct Step {
    std::uint32_t offset[4];   // of the group's weights in a panel
    std::int32_t group[4];     // four bytes, of which one is not 0
    std::int32_t excesses[4];  // twice the same 16 bits
  };

  // Four rows whose steps follow those of the four before.
  struct Four {
    std::uint16_t steps;
    std::uint16_t sums[4];  // where each row's are
  };

  void sort_rows(const AsideLists& aside) {
    std::uint16_t ends[kMostAside + 2] = {};
    for (int r = 0; r < rows_; ++r) {
      counts_[r] = static_cast<std::uint16_t>(aside_count(aside.lists + r * aside.stride, aside.most));
      ++ends[counts_[r] + 1];
    }
    empty_ = ends[1];
    if (!any()) return;
    for (int n = 1; n <= aside.most; ++n) ends[n] = static_cast<std::uint16_t>(ends[n] + ends[n - 1]);
    for (int r = 0; r < rows_; ++r) order_[ends[counts_[r]]++] = static_cast<std::uint16_t>(r);
    for (int i = rows_; i < rows_ + 3; ++i) order_[i] = static_cast<std::uint16_t>(rows_);
    counts_[rows_] = 0;
  }

  void list_steps(const AsideLists& aside, int one) {
    Step* step = steps_;
    const int first = empty_ / 4 * 4;
    // These sums never change.
    for (int i = 0; i < first; ++i) {
      for (std::int32_t* sums : buffers_) std::memset(sums + order_[i] * kColumns, 0, sizeof(std::int32_t) * kColumns);
    }
    for (int i = first; i < rows_; i += 4) {
      const int longest = counts_[order_[i + 3 < rows_ ? i + 3 : rows_ - 1]];
      fours_end_->steps = static_cast<std::uint16_t>(longest);
      for (int r = 0; r < 4; ++r) {
        const int row = order_[i + r], count = counts_[row];
        fours_end_->sums[r] = static_cast<std::uint16_t>(row * kColumns);
        const std::int16_t* list = aside.lists + (row < rows_ ? row : 0) * aside.stride;
        for (int n = 0; n < longest; ++n) {
          // What is behind a list's end is read, as it is memory, and counts nothing.
          const unsigned column = static_cast<std::uint16_t>(list[1 + n]);
          const unsigned excess = static_cast<std::uint16_t>(list[1 + aside.most + n]);
          const bool counts = n < count && column < static_cast<unsigned>(aside.columns);
          step[n].offset[r] = counts ? column / kGroupDepth * kGroupBytes : 0;
          step[n].group[r] = one << (column % kGroupDepth * 8);
          step[n].excesses[r] = static_cast<std::int32_t>(counts ? excess * 0x10001 : 0);
        }
      }
      step += longest;
      ++fours_end_;
    }
  }

  std::int32_t* buffers_[2];
  Step* steps_;
  Four *fours_, *fours_end_;
  int rows_, empty_ = 0, block_ = 0;
  std::uint16_t order_[kAsideRows + 3];   // of rows, by the lengths of their lists
  std::uint16_t counts_[kAsideRows + 1];  // by row
};

// What Columns of an epilogue add.
template <typename Simd, bool kHalf>
struct AsideColumns {
  const std::int32_t* sums;  // null: there are none

  explicit AsideColumns(const AsideSums<Simd>* aside) : sums(aside == nullptr ? nullptr : aside->sums()) {}

  template <int R, typename Sums>
  inline __attribute__((always_inline)) void add(int row, Sums (&lo)[R], Sums (&hi)[R]) const {
    if (sums == nullptr) return;
    const std::int32_t* at = sums + row * AsideSums<Simd>::kColumns;
#pragma GCC unroll 14
    for (int r = 0; r < R; ++r, at += AsideSums<Simd>::kColumns) {
      lo[r] = typename Simd::I32(lo[r]) + Simd::load32(at);
      if constexpr (!kHalf) hi[r] = typename Simd::I32(hi[r]) + Simd::load32(at + Simd::kLanes32);
    }
  }
};

}  // namespace
}  // namespace intvit::kernels
