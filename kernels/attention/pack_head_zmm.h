// K and V of a head as weight tiles (kernels/gemm/tiles.h), in 512-bit registers: pack_head_xmm.h for AVX-512.
#pragma once

#include <immintrin.h>

#include "kernels/attention/attention_law.h"

namespace intvit::kernels {
namespace {

inline constexpr int kRowPart = 64;  // codes of a row that are packed at a time

// Up to kRowPart codes of a row from `first` on, minus `middle` as signed bytes; zeros where there are no more.
inline __m512i signed_codes(const std::uint8_t* row, int first, int head_dim, int middle) {
  const __m512i middles = _mm512_set1_epi8(static_cast<char>(middle));
  const int left = head_dim - first;
  const __mmask64 there = left >= kRowPart ? ~__mmask64{0} : (__mmask64{1} << left) - 1;
  return _mm512_sub_epi8(_mm512_mask_loadu_epi8(middles, there, row + first), middles);
}

// Four vectors of four 128-bit lanes: lane i of vector j becomes lane j of vector i.
inline void transpose_lanes(__m512i& v0, __m512i& v1, __m512i& v2, __m512i& v3) {
  const __m512i even01 = _mm512_shuffle_i32x4(v0, v1, 0x88), odd01 = _mm512_shuffle_i32x4(v0, v1, 0xdd);
  const __m512i even23 = _mm512_shuffle_i32x4(v2, v3, 0x88), odd23 = _mm512_shuffle_i32x4(v2, v3, 0xdd);
  v0 = _mm512_shuffle_i32x4(even01, even23, 0x88);
  v1 = _mm512_shuffle_i32x4(odd01, odd23, 0x88);
  v2 = _mm512_shuffle_i32x4(even01, even23, 0xdd);
  v3 = _mm512_shuffle_i32x4(odd01, odd23, 0xdd);
}

// 16 x 16 elements of 32 bits: rows become columns.
inline void transpose_groups(__m512i (&rows)[16]) {
#pragma GCC unroll 4
  for (int i = 0; i < 16; i += 4) {
    const __m512i lo01 = _mm512_unpacklo_epi32(rows[i], rows[i + 1]),
                  hi01 = _mm512_unpackhi_epi32(rows[i], rows[i + 1]);
    const __m512i lo23 = _mm512_unpacklo_epi32(rows[i + 2], rows[i + 3]);
    const __m512i hi23 = _mm512_unpackhi_epi32(rows[i + 2], rows[i + 3]);
    rows[i] = _mm512_unpacklo_epi64(lo01, lo23);
    rows[i + 1] = _mm512_unpackhi_epi64(lo01, lo23);
    rows[i + 2] = _mm512_unpacklo_epi64(hi01, hi23);
    rows[i + 3] = _mm512_unpackhi_epi64(hi01, hi23);
  }
  // Lane l of vector 4 q + m has column 4 l + m of rows 4 q to 4 q + 3.
#pragma GCC unroll 4
  for (int m = 0; m < 4; ++m) transpose_lanes(rows[m], rows[4 + m], rows[8 + m], rows[12 + m]);
}

// The two halves of a register, of two rows: up to 32 codes of each.
inline __m512i signed_halves(const std::uint8_t* low, const std::uint8_t* high, int head_dim, int middle) {
  const __mmask32 there = head_dim >= kRowPart / 2 ? ~__mmask32{0} : (__mmask32{1} << head_dim) - 1;
  const __m256i middles = _mm256_set1_epi8(static_cast<char>(middle));
  const __m512i codes = _mm512_inserti64x4(_mm512_castsi256_si512(_mm256_mask_loadu_epi8(middles, there, low)),
                                           _mm256_mask_loadu_epi8(middles, there, high), 1);
  return _mm512_sub_epi8(codes, _mm512_set1_epi8(static_cast<char>(middle)));
}

// K^T as weight tiles [T / 16][D / 4][16][4]: a key is a column, its D codes minus `middle` are the depth. bias[j], of
// every key and padding column: -q_zero times the sum of its weights.
//
// Padding columns get the last key, so that they do not change a row's largest score. Of keys of up to 32 codes two
// panels are packed at a time.
inline void pack_keys(const AttentionArgs& args, const AttentionSet& set, int depth, int middle, std::uint8_t* tiles,
                      std::int32_t* bias) {
  constexpr int kGroups = kRowPart / kGroupDepth;
  const std::ptrdiff_t panel_bytes = static_cast<std::ptrdiff_t>(depth) * kPanelColumns;
  const __m512i ones = _mm512_set1_epi8(1), factor = _mm512_set1_epi32(-args.head.q_zero);
  const int columns = padded_columns(set.keys);
  const auto key = [&](int j) { return key_codes(args, set, j < set.keys ? j : set.keys - 1); };
  int j = 0;
  for (; depth <= kRowPart / 2 && j + kPanelColumns < columns; j += 2 * kPanelColumns, tiles += 2 * panel_bytes) {
    __m512i rows[kPanelColumns];
#pragma GCC unroll 16
    for (int i = 0; i < kPanelColumns; ++i) {
      rows[i] = signed_halves(key(j + i), key(j + kPanelColumns + i), args.head_dim, middle);
    }
    transpose_groups(rows);
    for (int panel = 0; panel < 2; ++panel) {
      __m512i sums = _mm512_setzero_si512();
      const __m512i* groups = rows + panel * kGroups / 2;
#pragma GCC unroll 8
      for (int g = 0; g < kGroups / 2; ++g) {
        if (g * kGroupDepth < depth) _mm512_storeu_si512(tiles + panel * panel_bytes + g * kGroupBytes, groups[g]);
        sums = _mm512_dpbusd_epi32(sums, ones, groups[g]);
      }
      _mm512_storeu_si512(bias + j + panel * kPanelColumns, _mm512_mullo_epi32(sums, factor));
    }
  }
  for (; j < columns; j += kPanelColumns, tiles += panel_bytes) {
    __m512i sums = _mm512_setzero_si512();
    for (int d = 0; d < depth; d += kRowPart) {
      __m512i rows[kPanelColumns];
#pragma GCC unroll 16
      for (int i = 0; i < kPanelColumns; ++i) rows[i] = signed_codes(key(j + i), d, args.head_dim, middle);
      transpose_groups(rows);
#pragma GCC unroll 16
      for (int g = 0; g < kGroups; ++g) {
        if (d + g * kGroupDepth < depth) _mm512_storeu_si512(tiles + d * kPanelColumns + g * kGroupBytes, rows[g]);
        sums = _mm512_dpbusd_epi32(sums, ones, rows[g]);
      }
    }
    _mm512_storeu_si512(bias + j, _mm512_mullo_epi32(sums, factor));
  }
}

// V as weight tiles [D / 16][T / 4][16][4]: codes minus `middle`, tokens are the depth.
inline void pack_values(const AttentionArgs& args, const AttentionSet& set, int depth, int middle,
                        std::uint8_t* tiles) {
  const std::ptrdiff_t panel_bytes = static_cast<std::ptrdiff_t>(depth) * kPanelColumns;
  for (int j = 0; j < depth; j += kGroupDepth, tiles += kGroupBytes) {
    for (int d = 0; d < args.head_dim; d += kRowPart) {
      __m512i rows[kGroupDepth];
#pragma GCC unroll 4
      for (int i = 0; i < kGroupDepth; ++i) {
        // Padding tokens meet softmax codes that are zero, so any readable row will do.
        rows[i] = signed_codes(value_codes(args, set, j + i < set.keys ? j + i : 0), d, args.head_dim, middle);
      }
      const __m512i lo01 = _mm512_unpacklo_epi8(rows[0], rows[1]), hi01 = _mm512_unpackhi_epi8(rows[0], rows[1]);
      const __m512i lo23 = _mm512_unpacklo_epi8(rows[2], rows[3]), hi23 = _mm512_unpackhi_epi8(rows[2], rows[3]);
      // Lane l of each has four columns of panel l.
      __m512i panels[4] = {_mm512_unpacklo_epi16(lo01, lo23), _mm512_unpackhi_epi16(lo01, lo23),
                           _mm512_unpacklo_epi16(hi01, hi23), _mm512_unpackhi_epi16(hi01, hi23)};
      transpose_lanes(panels[0], panels[1], panels[2], panels[3]);
#pragma GCC unroll 4
      for (int p = 0; p < 4; ++p) {
        if (d + p * kPanelColumns < args.head_dim) {
          _mm512_storeu_si512(tiles + (d / kPanelColumns + p) * panel_bytes, panels[p]);
        }
      }
    }
  }
}

}  // namespace
}  // namespace intvit::kernels
