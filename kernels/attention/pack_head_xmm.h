// K and V of a head as weight tiles (kernels/gemm/tiles.h), in 128-bit registers.
#pragma once

#include <immintrin.h>

#include <cstring>

#include "kernels/attention/attention_law.h"

namespace intvit::kernels {
namespace {

// One group of one key, for the edges of pack_keys: missing codes are those that become weights of zero.
inline std::uint32_t key_group(const std::uint8_t* key, int first, int head_dim, std::uint32_t missing) {
  std::uint32_t group = missing;
  std::memcpy(&group, key + first,
              static_cast<std::size_t>(head_dim - first < kGroupDepth ? head_dim - first : kGroupDepth));
  return group;
}

// K^T as weight tiles [T / 16][D / 4][16][4]: a key is a column, its D codes minus `middle` are the depth.
// bias[j], of every key and padding column: -q_zero times the sum of its weights.
// Four keys at a time: their groups are transposed so that equal groups lie side by side.
inline void pack_keys(const AttentionArgs& args, const AttentionSet& set, int depth, int middle, std::uint8_t* tiles,
                      std::int32_t* bias) {
  const std::ptrdiff_t panel_bytes = static_cast<std::ptrdiff_t>(depth) * kPanelColumns;
  const __m128i middles = _mm_set1_epi8(static_cast<char>(middle));
  const std::uint32_t missing = 0x01010101u * static_cast<std::uint32_t>(middle);
  for (int j = 0; j < padded_columns(set.keys); j += 4) {
    std::uint8_t* columns = tiles + j / kPanelColumns * panel_bytes + j % kPanelColumns * kGroupDepth;
    const std::uint8_t* keys[4];
    // Padding columns get the last key, so that they do not change a row's largest score.
    for (int i = 0; i < 4; ++i) keys[i] = key_codes(args, set, j + i < set.keys ? j + i : set.keys - 1);
    __m128i sums[4] = {_mm_setzero_si128(), _mm_setzero_si128(), _mm_setzero_si128(), _mm_setzero_si128()};
    for (int d = 0; d < depth; d += 4 * kGroupDepth) {
      __m128i rows[4];
      if (d + 4 * kGroupDepth <= args.head_dim) {
        for (int i = 0; i < 4; ++i) rows[i] = _mm_loadu_si128(reinterpret_cast<const __m128i*>(keys[i] + d));
      } else {
        for (int i = 0; i < 4; ++i) {
          std::uint32_t groups[4] = {missing, missing, missing, missing};
          for (int g = 0; g < 4 && d + g * kGroupDepth < args.head_dim; ++g) {
            groups[g] = key_group(keys[i], d + g * kGroupDepth, args.head_dim, missing);
          }
          rows[i] = _mm_loadu_si128(reinterpret_cast<const __m128i*>(groups));
        }
      }
      for (int i = 0; i < 4; ++i) {
        sums[i] = _mm_add_epi64(sums[i], _mm_sad_epu8(rows[i], _mm_setzero_si128()));
        rows[i] = _mm_sub_epi8(rows[i], middles);
      }
      const __m128i lo01 = _mm_unpacklo_epi32(rows[0], rows[1]), hi01 = _mm_unpackhi_epi32(rows[0], rows[1]);
      const __m128i lo23 = _mm_unpacklo_epi32(rows[2], rows[3]), hi23 = _mm_unpackhi_epi32(rows[2], rows[3]);
      const __m128i groups[4] = {_mm_unpacklo_epi64(lo01, lo23), _mm_unpackhi_epi64(lo01, lo23),
                                 _mm_unpacklo_epi64(hi01, hi23), _mm_unpackhi_epi64(hi01, hi23)};
      for (int g = 0; g < 4 && d + g * kGroupDepth < depth; ++g) {
        _mm_storeu_si128(reinterpret_cast<__m128i*>(columns + (d / kGroupDepth + g) * kGroupBytes), groups[g]);
      }
    }
    const int summed = (depth + 15) / 16 * 16;  // codes in the sums, padding included
    for (int i = 0; i < 4; ++i) {
      const auto sum = static_cast<std::int32_t>(_mm_cvtsi128_si64(sums[i]) + _mm_extract_epi64(sums[i], 1));
      bias[j + i] = -args.head.q_zero * (sum - middle * summed);
    }
  }
}

// V as weight tiles [D / 16][T / 4][16][4]: codes minus `middle`, tokens are the depth.
inline void pack_values(const AttentionArgs& args, const AttentionSet& set, int depth, int middle,
                        std::uint8_t* tiles) {
  const std::ptrdiff_t panel_bytes = static_cast<std::ptrdiff_t>(depth) * kPanelColumns;
  const int columns = padded_columns(args.head_dim);
  for (int j = 0; j < depth; j += kGroupDepth) {
    const std::uint8_t* rows[kGroupDepth];
    for (int i = 0; i < kGroupDepth; ++i) {
      // Padding tokens meet softmax codes that are zero, so any readable row will do.
      rows[i] = value_codes(args, set, j + i < set.keys ? j + i : 0);
    }
    for (int panel = 0; panel < columns / kPanelColumns; ++panel) {
      std::uint8_t* group = tiles + panel * panel_bytes + j / kGroupDepth * kGroupBytes;
      const int first = panel * kPanelColumns;
      if (first + kPanelColumns <= args.head_dim) {
        const auto row = [&](int i) { return _mm_loadu_si128(reinterpret_cast<const __m128i*>(rows[i] + first)); };
        const __m128i middles = _mm_set1_epi8(static_cast<char>(middle));
        const __m128i r0 = _mm_sub_epi8(row(0), middles), r1 = _mm_sub_epi8(row(1), middles);
        const __m128i r2 = _mm_sub_epi8(row(2), middles), r3 = _mm_sub_epi8(row(3), middles);
        const __m128i lo01 = _mm_unpacklo_epi8(r0, r1), hi01 = _mm_unpackhi_epi8(r0, r1);
        const __m128i lo23 = _mm_unpacklo_epi8(r2, r3), hi23 = _mm_unpackhi_epi8(r2, r3);
        auto* out = reinterpret_cast<__m128i*>(group);
        _mm_storeu_si128(out, _mm_unpacklo_epi16(lo01, lo23));
        _mm_storeu_si128(out + 1, _mm_unpackhi_epi16(lo01, lo23));
        _mm_storeu_si128(out + 2, _mm_unpacklo_epi16(hi01, hi23));
        _mm_storeu_si128(out + 3, _mm_unpackhi_epi16(hi01, hi23));
      } else {
        for (int c = 0; c < kPanelColumns; ++c) {
          for (int i = 0; i < kGroupDepth; ++i) {
            group[c * kGroupDepth + i] =
                first + c < args.head_dim ? static_cast<std::uint8_t>(rows[i][first + c] - middle) : 0;
          }
        }
      }
    }
  }
}

}  // namespace
}  // namespace intvit::kernels
