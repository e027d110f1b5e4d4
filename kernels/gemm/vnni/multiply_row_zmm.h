// One row of codes x all panels, with vpdpbusd on zmm registers: what a classifier's head is. Every weight is used
// once, so nothing is won by expanding 4-bit weights in memory, and how fast weights arrive decides.
#pragma once

#include "kernels/gemm/vnni/multiply_vnni.h"
#include "kernels/gemm/vnni/vnni_zmm.h"

namespace intvit::kernels {
namespace {

// So many sums at a time that the next product need not wait for the last one.
inline constexpr int kRowSums = 8;

inline __m512i group_of_row(const std::uint8_t* src, int group) {
  return broadcast_group<Avx512>(src + group * kGroupDepth);
}

inline __m512i sum_up(const __m512i (&sums)[kRowSums]) {
  const __m512i s01 = _mm512_add_epi32(sums[0], sums[1]), s23 = _mm512_add_epi32(sums[2], sums[3]);
  const __m512i s45 = _mm512_add_epi32(sums[4], sums[5]), s67 = _mm512_add_epi32(sums[6], sums[7]);
  return _mm512_add_epi32(_mm512_add_epi32(s01, s23), _mm512_add_epi32(s45, s67));
}

// src x one panel of 8-bit weights. Not inlined: the same loads for all panels, one after the other, are what hardware
// fetches ahead best. Inlined for each panel of a block, they are half as fast (docs/performance.md).
__attribute__((noinline)) inline __m512i row_by_panel(const std::uint8_t* src, const std::uint8_t* panel, int k) {
  __m512i sums[kRowSums] = {};
  int groups = k / kGroupDepth;
  for (; groups >= kRowSums; groups -= kRowSums) {
#pragma GCC unroll 8
    for (int i = 0; i < kRowSums; ++i) {
      VnniZmm::dot_u8s8(sums[i], group_of_row(src, i), _mm512_loadu_si512(panel + i * kGroupBytes));
    }
    src += kRowSums * kGroupDepth;
    panel += kRowSums * kGroupBytes;
  }
  for (int i = 0; i < groups; ++i) {
    VnniZmm::dot_u8s8(sums[0], group_of_row(src, i), _mm512_loadu_si512(panel + i * kGroupBytes));
  }
  return sum_up(sums);
}

// The same for 4-bit weights.
__attribute__((noinline)) inline __m512i row_by_nibbles(const std::uint8_t* src, const std::uint8_t* nibbles,
                                                        __m512i spread_zero_points, int k) {
  static_assert(kDepthPadding % (kRowSums * kGroupDepth) == 0);  // nothing is left
  __m512i sums[kRowSums] = {};
  for (int groups = k / kGroupDepth; groups > 0; groups -= kRowSums) {
#pragma GCC unroll 4
    for (int i = 0; i < kRowSums; i += 2) {
      const auto both = VnniZmm::expand_two_groups(nibbles + i / 2 * kGroupBytes, spread_zero_points);
      VnniZmm::dot_u8s8(sums[i], group_of_row(src, i), both.first);
      VnniZmm::dot_u8s8(sums[i + 1], group_of_row(src, i + 1), both.second);
    }
    src += kRowSums * kGroupDepth;
    nibbles += kRowSums / 2 * kGroupBytes;
  }
  return sum_up(sums);
}

// One row of multiply_vnni().
template <typename EpilogueType>
void multiply_row(const std::uint8_t* src, const LinearWeights& weights, const EpilogueType& epilogue,
                  std::ptrdiff_t plane_stride) {
  const bool nibbles = weights.bits == 4;
  const int shift = nibbles && wants_shifted_sums(epilogue) ? kNibbleShift : 0;
  const std::ptrdiff_t panel_bytes = static_cast<std::ptrdiff_t>(weights.k) * kPanelColumns * weights.bits / 8;
  const auto sums_of = [&](int panel) {
    const std::uint8_t* tiles = weights.tiles + panel * panel_bytes;
    const __m512i zeros =
        nibbles ? VnniZmm::spread_zero_points(weights.zero_points + panel * kPanelColumns) : _mm512_setzero_si512();
    const auto by_panel = [&](const std::uint8_t* codes) {
      return nibbles ? row_by_nibbles(codes, tiles, zeros, weights.k) : row_by_panel(codes, tiles, weights.k);
    };
    __m512i sums = by_panel(src);
    if (plane_stride != 0) {
      sums = _mm512_add_epi32(sums, VnniZmm::shift_left<8>(by_panel(src + plane_stride)));
    }
    return _mm512_sll_epi32(sums, _mm_cvtsi32_si128(shift));
  };
  const int panels = panel_count(weights.n);
  for (int p = 0; p + 2 <= panels; p += 2) {
    const typename EpilogueType::template Columns<false> columns(epilogue, p * kPanelColumns);
    const __m512i lo = sums_of(p), hi = sums_of(p + 1);
    columns.row(0, _mm512_add_epi32(lo, columns.bias_lo()), _mm512_add_epi32(hi, columns.bias_hi()));
  }
  if (panels % 2 != 0) {
    const typename EpilogueType::template Columns<true> columns(epilogue, (panels - 1) * kPanelColumns);
    columns.row(0, _mm512_add_epi32(sums_of(panels - 1), columns.bias_lo()), _mm512_setzero_si512());
  }
}

}  // namespace
}  // namespace intvit::kernels
