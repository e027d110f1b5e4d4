// Matrix multiplication with vpdpbusd, four products of u8 x s8 at a time: Vnni::kRows rows x two registers of 32-bit
// sums stay in registers while k runs. Vnni is VnniYmm or VnniZmm.
#pragma once

#include <cstring>

#include "kernels/gemm/column_blocks.h"

namespace intvit::kernels {
namespace {

template <typename Simd>
typename Simd::I32 broadcast_group(const std::uint8_t* p) {
  std::int32_t group;
  std::memcpy(&group, p, sizeof group);
  return Simd::set32(group);
}

// Bytes from the weights of the columns in `lo` to those of the columns in `hi`: half of a panel's group or, where a
// register takes all of one, the next panel.
template <typename Simd>
std::ptrdiff_t right_weights(int k) {
  return Simd::kLanes32 < kPanelColumns ? kGroupBytes / 2 : static_cast<std::ptrdiff_t>(k) * kPanelColumns;
}

// R rows against a column block of epilogue_simd.h. Sums are shifted left by kSumShift. If plane_stride is not 0, the
// high bytes there go first, and the low ones on top of 256 times their sums.
template <typename Vnni, int R, bool kHalf, int kSumShift, typename Columns>
inline __attribute__((always_inline)) void multiply_tile(const std::uint8_t* src, std::ptrdiff_t stride,
                                                         std::ptrdiff_t plane_stride, const std::uint8_t* panel, int k,
                                                         const Columns& columns, int row) {
  using Simd = typename Vnni::Simd;
  typename Simd::I32 lo[R], hi[R];
#pragma GCC unroll 12
  for (int r = 0; r < R; ++r) lo[r] = hi[r] = Simd::zero();
  for (std::ptrdiff_t plane = plane_stride;; plane = 0) {
    const std::uint8_t* left = panel;
    const std::uint8_t* right = panel + right_weights<Simd>(k);
    // Four base pointers and multiples of the stride reach twelve rows without twelve address registers.
    const std::uint8_t* first = src + plane;
    const std::uint8_t* base[4] = {first, first + 3 * stride, first + 6 * stride, first + 9 * stride};
    for (int g = 0; g < k; g += kGroupDepth) {
      const auto b0 = Simd::load32(left);
      typename Simd::I32 b1;
      if constexpr (!kHalf) b1 = Simd::load32(right);
#pragma GCC unroll 12
      for (int r = 0; r < R; ++r) {
        const auto a = broadcast_group<Simd>(base[r / 3] + (r % 3) * stride);
        Vnni::dot_u8s8(lo[r], a, b0);
        if constexpr (!kHalf) Vnni::dot_u8s8(hi[r], a, b1);
      }
      left += kGroupBytes;
      right += kGroupBytes;
#pragma GCC unroll 4
      for (int i = 0; i < (R + 2) / 3; ++i) base[i] += kGroupDepth;
    }
    if (plane == 0) break;
#pragma GCC unroll 12
    for (int r = 0; r < R; ++r) {
      lo[r] = Vnni::template shift_left<8>(lo[r]);
      hi[r] = Vnni::template shift_left<8>(hi[r]);
    }
  }
#pragma GCC unroll 12
  for (int r = 0; r < R; ++r) {
    columns.row(row + r, Vnni::template shift_left<kSumShift>(lo[r]), Vnni::template shift_left<kSumShift>(hi[r]));
  }
}

// Not inlined: gcc would keep what the epilogue knows of the columns in registers all the time, and sums in memory.
template <typename Vnni, bool kHalf, int kSumShift, typename Columns>
__attribute__((noinline)) void multiply_columns(const std::uint8_t* src, std::ptrdiff_t stride, std::ptrdiff_t plane,
                                                int rows, const std::uint8_t* panel, int k, const Columns& columns) {
  constexpr int kRows = Vnni::kRows;
  int row = 0;
  const auto at = [&](int r) { return src + r * stride; };
  for (; row + kRows <= rows; row += kRows) {
    multiply_tile<Vnni, kRows, kHalf, kSumShift>(at(row), stride, plane, panel, k, columns, row);
  }
  for (; row + kRows / 2 <= rows; row += kRows / 2) {
    multiply_tile<Vnni, kRows / 2, kHalf, kSumShift>(at(row), stride, plane, panel, k, columns, row);
  }
  for (; row + 2 <= rows; row += 2) {
    multiply_tile<Vnni, 2, kHalf, kSumShift>(at(row), stride, plane, panel, k, columns, row);
  }
  for (; row < rows; ++row) {
    multiply_tile<Vnni, 1, kHalf, kSumShift>(at(row), stride, plane, panel, k, columns, row);
  }
}

template <typename Vnni, int kSumShift, typename EpilogueType>
void multiply_panels(const std::uint8_t* src, std::ptrdiff_t stride, std::ptrdiff_t plane, int rows,
                     const LinearWeights& weights, void* scratch, const EpilogueType& epilogue) {
  for_each_column_block<typename Vnni::Simd>(
      weights, scratch, epilogue, Vnni::expand_panel, [&](auto half, const std::uint8_t* panel, const auto& columns) {
        multiply_columns<Vnni, half, kSumShift>(src, stride, plane, rows, panel, weights.k, columns);
      });
}

// rows x k codes times all panels. 8-bit tiles need k to be a multiple of 4 only (attention), 4-bit ones of 8. A
// plane_stride other than 0 is the way from a row's low bytes to its high ones.
template <typename Vnni, typename EpilogueType>
void multiply_vnni(const std::uint8_t* src, std::ptrdiff_t stride, int rows, const LinearWeights& weights,
                   void* scratch, const EpilogueType& epilogue, std::ptrdiff_t plane_stride) {
  if (weights.bits == 4) {
    multiply_panels<Vnni, kNibbleShift>(src, stride, plane_stride, rows, weights, scratch, epilogue);
  } else {
    multiply_panels<Vnni, 0>(src, stride, plane_stride, rows, weights, scratch, epilogue);
  }
}

}  // namespace
}  // namespace intvit::kernels
