// Matrix multiplication with vpdpbusd, four products of u8 x s8 at a time: Vnni::kRows rows x two registers of 32-bit
// sums stay in registers while k runs. Vnni is VnniYmm or VnniZmm.
#pragma once

#include <algorithm>
#include <cstring>

#include "kernels/gemm/column_blocks.h"

namespace intvit::kernels {
namespace {

template <typename Simd>
typename Simd::I32 broadcast_group(const std::uint8_t* p) {
  std::int32_t group;
  std::memcpy(&group, p, sizeof group);
  return typename Simd::I32(group);
}

// Bytes from the weights of the columns in `lo` to those of the columns in `hi`: half of a panel's group or, where a
// register takes all of one, the next panel.
template <typename Simd>
std::ptrdiff_t right_weights(int k) {
  return Simd::kLanes32 < kPanelColumns ? kGroupBytes / 2 : static_cast<std::ptrdiff_t>(k) * kPanelColumns;
}

// Of a panel, and as much of it as has weights other than zero.
struct Depth {
  int stored, used;
};

// Chains of sums per row and register, over every kChains-th group of k: so that few rows, too, have enough of them to
// keep the multipliers busy while each waits for its last result.
constexpr int chains_of_rows(int rows) { return rows == 1 ? 4 : rows == 2 ? 2 : 1; }

// Whether there is other work to be done between products: columns.meanwhile(), as in softmax_meanwhile_zmm.h.
template <typename Columns>
constexpr bool has_meanwhile() {
  return requires(const Columns& columns) { columns.meanwhile(); };
}

// lo, hi += R rows of codes x a column block of weights.
template <typename Vnni, int R, bool kHalf, typename Columns>
inline __attribute__((always_inline)) void accumulate(const std::uint8_t* src, std::ptrdiff_t stride,
                                                      const std::uint8_t* panel, Depth depth,
                                                      typename Vnni::Simd::I32 (&lo)[R],
                                                      typename Vnni::Simd::I32 (&hi)[R], const Columns& columns,
                                                      WantedNext& next) {
  using Simd = typename Vnni::Simd;
  const std::uint8_t* left = panel;
  const std::uint8_t* right = panel + right_weights<Simd>(depth.stored);
  // Five base pointers and multiples of the stride reach fourteen rows without fourteen address registers.
  const std::uint8_t* base[5] = {src, src + 3 * stride, src + 6 * stride, src + 9 * stride, src + 12 * stride};
  const auto add_group = [&](typename Simd::I32(&to_lo)[R], typename Simd::I32(&to_hi)[R], int g)
      __attribute__((always_inline)) {
    const auto b0 = Simd::load32(left + g * kGroupBytes);
    typename Simd::I32 b1;
    if constexpr (!kHalf) b1 = Simd::load32(right + g * kGroupBytes);
#pragma GCC unroll 14
    for (int r = 0; r < R; ++r) {
      const auto a = broadcast_group<Simd>(base[r / 3] + (r % 3) * stride + g * kGroupDepth);
      Vnni::dot_u8s8(to_lo[r], a, b0);
      if constexpr (!kHalf) Vnni::dot_u8s8(to_hi[r], a, b1);
    }
  };
  const auto advance = [&](int groups) __attribute__((always_inline)) {
    left += groups * kGroupBytes;
    right += groups * kGroupBytes;
#pragma GCC unroll 5
    for (int i = 0; i < (R + 2) / 3; ++i) base[i] += groups * kGroupDepth;
  };
  int groups = depth.used / kGroupDepth;
  if constexpr (constexpr int kChains = chains_of_rows(R); kChains > 1) {
    typename Simd::I32 more_lo[kChains - 1][R], more_hi[kChains - 1][R];
#pragma GCC unroll 3
    for (auto& sums : more_lo) {
#pragma GCC unroll 2
      for (auto& sum : sums) sum = 0;
    }
#pragma GCC unroll 3
    for (auto& sums : more_hi) {
#pragma GCC unroll 2
      for (auto& sum : sums) sum = 0;
    }
    for (; groups >= kChains; groups -= kChains) {
      add_group(lo, hi, 0);
#pragma GCC unroll 3
      for (int i = 1; i < kChains; ++i) add_group(more_lo[i - 1], more_hi[i - 1], i);
      advance(kChains);
    }
#pragma GCC unroll 3
    for (int i = 1; i < kChains; ++i) {
#pragma GCC unroll 2
      for (int r = 0; r < R; ++r) {
        lo[r] = lo[r] + more_lo[i - 1][r];
        hi[r] = hi[r] + more_hi[i - 1][r];
      }
    }
  }
  if constexpr (has_meanwhile<Columns>() && R == Vnni::kRows && !kHalf) {
    auto& meanwhile = columns.meanwhile();
    auto sums = meanwhile.take_sums();
    // A step is about as many instructions as the products of two groups.
    for (; groups >= 2 && meanwhile.is_left(); groups -= 2) {
      add_group(lo, hi, 0);
      add_group(lo, hi, 1);
      advance(2);
      meanwhile.step(sums);
    }
    meanwhile.put_sums(sums);
  }
  for (; groups > 0; --groups) {
    next.fetch_part();
    add_group(lo, hi, 0);
    advance(1);
  }
}

// R rows against a column block of epilogue_simd.h, of which rows from `skipped` on are finished. Sums are shifted left
// by kNibbleShift if shifts_sums. If plane_stride is not 0, the high bytes there go first, and the low ones on top of
// 256 times their sums.
template <typename Vnni, int R, bool kHalf, bool kSkip, typename Columns>
inline __attribute__((always_inline)) void multiply_tile(const std::uint8_t* src, std::ptrdiff_t stride,
                                                         std::ptrdiff_t plane_stride, bool shifts_sums,
                                                         const std::uint8_t* panel, Depth depth, const Columns& columns,
                                                         int row, int skipped, WantedNext& next) {
  using Simd = typename Vnni::Simd;
  typename Simd::I32 lo[R], hi[R];
  // Where nothing is done to the sums before the bias is added, they start from it.
  const bool from_bias = !shifts_sums && plane_stride == 0;
  const auto start_lo = from_bias ? columns.bias_lo() : typename Simd::I32(0);
  const auto start_hi = from_bias ? columns.bias_hi() : typename Simd::I32(0);
#pragma GCC unroll 14
  for (int r = 0; r < R; ++r) {
    lo[r] = start_lo;
    hi[r] = start_hi;
  }
  for (std::ptrdiff_t plane = plane_stride;; plane = 0) {
    accumulate<Vnni, R, kHalf>(src + plane, stride, panel, depth, lo, hi, columns, next);
    if (plane == 0) break;
    const auto bias_lo = shifts_sums ? typename Simd::I32(0) : columns.bias_lo();
    const auto bias_hi = shifts_sums ? typename Simd::I32(0) : columns.bias_hi();
#pragma GCC unroll 14
    for (int r = 0; r < R; ++r) {
      lo[r] = Vnni::template shift_left<8>(lo[r]) + bias_lo;
      hi[r] = Vnni::template shift_left<8>(hi[r]) + bias_hi;
    }
  }
  if (shifts_sums) {
    const auto bias_lo = columns.bias_lo(), bias_hi = columns.bias_hi();
#pragma GCC unroll 14
    for (int r = 0; r < R; ++r) {
      lo[r] = Vnni::template shift_left<kNibbleShift>(lo[r]) + bias_lo;
      hi[r] = Vnni::template shift_left<kNibbleShift>(hi[r]) + bias_hi;
    }
  }
  if constexpr (kSkip) {
#pragma GCC unroll 14
    for (int r = 0; r < R; ++r) {
      if (r >= skipped) finish_row(columns, row + r, lo[r], hi[r]);
    }
  } else {
    finish_rows<R>(columns, row, lo, hi);
  }
}

// How rows are cut into tiles: `high` ones of kHighRows, then others of kRows, `count` in all. From 60 on they take any
// even number of rows. Lower tiles, of what a thread's share leaves, would use the weights that they load for few rows.
struct TiledRows {
  int high, count;
};

template <int kRows, int kHighRows>
constexpr TiledRows tile_rows(int rows) {
  constexpr int kMore = kHighRows - kRows;
  const int left = rows % kRows;
  // One tile of half the rows takes these as well as others can.
  const bool half_is_left = left == 0 || left == kRows / 2 || left == kRows / 2 - 1 || left == kRows - 1;
  const int high = left / kMore;
  if (half_is_left || high * kHighRows > rows) return {0, rows / kRows};
  return {high, high + (rows - high * kHighRows) / kRows};
}

// Not inlined: gcc would keep what the epilogue knows of the columns in registers all the time, and sums in memory.
template <typename Vnni, bool kHalf, typename Columns>
__attribute__((noinline)) void multiply_columns(const std::uint8_t* src, std::ptrdiff_t stride, std::ptrdiff_t plane,
                                                bool shifts_sums, int rows, const std::uint8_t* panel, Depth depth,
                                                const Columns& columns, WantedNext next) {
  constexpr int kRows = Vnni::kRows;
  int row = 0;
  const auto at = [&](int r) { return src + r * stride; };
  TiledRows tiles{0, rows / kRows};
  constexpr int kHighRows = kHalf || has_few_rows<Columns>() ? 0 : Vnni::kHighRows;
  if constexpr (kHighRows != 0) tiles = tile_rows<kRows, kHighRows>(rows);
  const auto begin = [&](int tile) { return tile * kRows + std::min(tile, tiles.high) * (kHighRows - kRows); };
  for (int i = 0; i < tiles.count; ++i) {
    const int tile = tile_in_turn(i, tiles.count);
    row = begin(tile);
    if constexpr (kHighRows != 0) {
      if (tile < tiles.high) {
        multiply_tile<Vnni, kHighRows, kHalf, false>(at(row), stride, plane, shifts_sums, panel, depth, columns, row, 0,
                                                     next);
        continue;
      }
    }
    multiply_tile<Vnni, kRows, kHalf, false>(at(row), stride, plane, shifts_sums, panel, depth, columns, row, 0, next);
  }
  row = begin(tiles.count);
  // What is left goes in lower tiles. The last one may begin within rows that are finished: it computes those again,
  // which costs less than ever lower tiles, and leaves them alone.
  constexpr int kFew = kRows / 2;
  while (rows - row > 2 && rows >= kFew) {
    const int first = row + kFew <= rows ? row : rows - kFew;
    multiply_tile<Vnni, kFew, kHalf, true>(at(first), stride, plane, shifts_sums, panel, depth, columns, first,
                                           row - first, next);
    row = first + kFew;
  }
  for (; row + 2 <= rows; row += 2) {
    multiply_tile<Vnni, 2, kHalf, false>(at(row), stride, plane, shifts_sums, panel, depth, columns, row, 0, next);
  }
  for (; row < rows; ++row) {
    multiply_tile<Vnni, 1, kHalf, false>(at(row), stride, plane, shifts_sums, panel, depth, columns, row, 0, next);
  }
}

// rows x k codes times all panels. 8-bit tiles need k to be a multiple of 4 only (attention), 4-bit ones of 8. A
// plane_stride other than 0 is the way from a row's low bytes to its high ones.
template <typename Vnni, typename EpilogueType>
void multiply_vnni(const std::uint8_t* src, std::ptrdiff_t stride, int rows, const LinearWeights& weights,
                   void* scratch, const EpilogueType& epilogue, std::ptrdiff_t plane_stride) {
  const bool shifts_sums = weights.bits == 4 && wants_shifted_sums(epilogue);
  const int groups = (plane_stride == 0 ? 1 : 2) * weights.used_depth() / kGroupDepth;
  const auto steps = static_cast<std::size_t>(rows / Vnni::kRows) * static_cast<std::size_t>(groups);
  for_each_column_block<typename Vnni::Simd>(
      steps, weights, scratch, epilogue, Vnni::expand_panel,
      [&](auto half, const std::uint8_t* panel, const auto& columns, const WantedNext& next) {
        multiply_columns<Vnni, half>(src, stride, plane_stride, shifts_sums, rows, panel,
                                     {weights.k, weights.used_depth()}, columns, next);
      });
}

}  // namespace
}  // namespace intvit::kernels
