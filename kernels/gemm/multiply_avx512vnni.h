// Matrix multiplication with vpdpbusd: 12 rows x 32 columns of 32-bit sums stay in 24 registers while k runs.
#pragma once

#include <cstring>

#include "kernels/gemm/epilogue_simd.h"
#include "kernels/simd/avx512.h"

namespace intvit::kernels {
namespace {

// gcc 12 is known to spill arrays of accumulators that _mm512_dpbusd_epi32 updates; as inline assembly they stay in
// registers.
inline void dot_u8s8(__m512i& sum, __m512i a, __m512i b) { asm("vpdpbusd %2, %1, %0" : "+v"(sum) : "v"(a), "v"(b)); }

inline __m512i broadcast_group(const std::uint8_t* p) {
  std::int32_t group;
  std::memcpy(&group, p, sizeof group);
  return _mm512_set1_epi32(group);
}

// R rows of one byte plane against one panel (kHalf) or two; panels are k * 16 bytes apart.
template <int R, bool kHalf>
inline __attribute__((always_inline)) void multiply_plane(const std::uint8_t* src, std::ptrdiff_t stride,
                                                          const std::uint8_t* panel, int k, __m512i (&lo)[R],
                                                          __m512i (&hi)[R]) {
  const std::uint8_t* right = panel + static_cast<std::ptrdiff_t>(k) * kPanelColumns;
  // Four base pointers and multiples of the stride reach twelve rows without twelve address registers.
  const std::uint8_t* base[4] = {src, src + 3 * stride, src + 6 * stride, src + 9 * stride};
  for (int g = 0; g < k; g += kGroupDepth) {
    const __m512i b0 = _mm512_loadu_si512(panel);
    __m512i b1;
    if constexpr (!kHalf) b1 = _mm512_loadu_si512(right);
#pragma GCC unroll 12
    for (int r = 0; r < R; ++r) {
      const __m512i a = broadcast_group(base[r / 3] + (r % 3) * stride);
      dot_u8s8(lo[r], a, b0);
      if constexpr (!kHalf) dot_u8s8(hi[r], a, b1);
    }
    panel += kGroupBytes;
    right += kGroupBytes;
#pragma GCC unroll 4
    for (int i = 0; i < (R + 2) / 3; ++i) base[i] += kGroupDepth;
  }
}

// R rows against one panel (kHalf) or two, the plane of high bytes first. Sums are shifted left by kSumShift.
template <int R, bool kHalf, int kSumShift, typename Columns>
inline __attribute__((always_inline)) void multiply_tile(const std::uint8_t* src, std::ptrdiff_t stride,
                                                         const std::uint8_t* panel, int k, const Columns& columns,
                                                         int row, std::ptrdiff_t plane_stride) {
  __m512i lo[R], hi[R];
#pragma GCC unroll 12
  for (int r = 0; r < R; ++r) lo[r] = hi[r] = _mm512_setzero_si512();
  for (std::ptrdiff_t plane = plane_stride;; plane = 0) {
    multiply_plane<R, kHalf>(src + plane, stride, panel, k, lo, hi);
    if (plane == 0) break;
#pragma GCC unroll 12
    for (int r = 0; r < R; ++r) {
      lo[r] = _mm512_slli_epi32(lo[r], 8);
      hi[r] = _mm512_slli_epi32(hi[r], 8);
    }
  }
#pragma GCC unroll 12
  for (int r = 0; r < R; ++r) {
    columns.row(row + r, _mm512_slli_epi32(lo[r], kSumShift), _mm512_slli_epi32(hi[r], kSumShift));
  }
}

template <bool kHalf, int kSumShift, typename Columns>
void multiply_columns(const std::uint8_t* src, std::ptrdiff_t stride, int rows, const std::uint8_t* panel, int k,
                      const Columns& columns, std::ptrdiff_t plane_stride) {
  int row = 0;
  const auto at = [&](int r) { return src + r * stride; };
  for (; row + 12 <= rows; row += 12)
    multiply_tile<12, kHalf, kSumShift>(at(row), stride, panel, k, columns, row, plane_stride);
  for (; row + 6 <= rows; row += 6)
    multiply_tile<6, kHalf, kSumShift>(at(row), stride, panel, k, columns, row, plane_stride);
  for (; row + 2 <= rows; row += 2)
    multiply_tile<2, kHalf, kSumShift>(at(row), stride, panel, k, columns, row, plane_stride);
  for (; row < rows; ++row) multiply_tile<1, kHalf, kSumShift>(at(row), stride, panel, k, columns, row, plane_stride);
}

// Nibble tiles of one panel -> 8-bit tiles.
inline void expand_panel(const std::uint8_t* nibbles, const std::uint8_t* zero_points, int k, std::uint8_t* dst) {
  // The zero point of a column four times over, as its four k lie side by side.
  const __m512i columns = _mm512_cvtepu8_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(zero_points)));
  const __m512i zero = _mm512_mullo_epi32(columns, _mm512_set1_epi32(0x01010101));
  const __m512i mask = _mm512_set1_epi8(15);
  for (int g = 0; g < k; g += 2 * kGroupDepth, nibbles += kGroupBytes, dst += 2 * kGroupBytes) {
    const __m512i both = _mm512_loadu_si512(nibbles);
    _mm512_storeu_si512(dst, _mm512_sub_epi8(_mm512_and_si512(both, mask), zero));
    _mm512_storeu_si512(dst + kGroupBytes, _mm512_sub_epi8(_mm512_and_si512(_mm512_srli_epi16(both, 4), mask), zero));
  }
}

template <int kSumShift, typename EpilogueType>
void multiply_panels(const std::uint8_t* src, std::ptrdiff_t stride, int rows, const LinearWeights& weights,
                     void* scratch, const EpilogueType& epilogue, std::ptrdiff_t plane_stride) {
  const int panels = panel_count(weights.n);
  const std::size_t panel_bytes = static_cast<std::size_t>(weights.k) * kPanelColumns;
  auto* expanded = static_cast<std::uint8_t*>(scratch);
  for (int p = 0; p < panels; p += 2) {
    const int count = panels - p < 2 ? 1 : 2;
    const std::uint8_t* panel = weights.tiles + static_cast<std::size_t>(p) * panel_bytes;
    if constexpr (kSumShift != 0) {
      for (int i = 0; i < count; ++i) {
        expand_panel(weights.tiles + static_cast<std::size_t>(p + i) * (panel_bytes / 2),
                     weights.zero_points + (p + i) * kPanelColumns, weights.k,
                     expanded + static_cast<std::size_t>(i) * panel_bytes);
      }
      panel = expanded;
    }
    if (count == 2) {
      const typename EpilogueType::template Columns<false> columns(epilogue, p * kPanelColumns);
      multiply_columns<false, kSumShift>(src, stride, rows, panel, weights.k, columns, plane_stride);
    } else {
      const typename EpilogueType::template Columns<true> columns(epilogue, p * kPanelColumns);
      multiply_columns<true, kSumShift>(src, stride, rows, panel, weights.k, columns, plane_stride);
    }
  }
}

// rows x k codes times all panels. 8-bit tiles need k to be a multiple of 4 only (attention), 4-bit ones of 8.
// plane_stride: bytes from a row's low bytes to its high bytes where values, at most 32767, are two planes; else 0.
template <typename EpilogueType>
void multiply(const std::uint8_t* src, std::ptrdiff_t stride, int rows, const LinearWeights& weights, void* scratch,
              const EpilogueType& epilogue, std::ptrdiff_t plane_stride = 0) {
  if (weights.bits == 4) {
    multiply_panels<kNibbleShift>(src, stride, rows, weights, scratch, epilogue, plane_stride);
  } else {
    multiply_panels<0>(src, stride, rows, weights, scratch, epilogue, plane_stride);
  }
}

}  // namespace
}  // namespace intvit::kernels
