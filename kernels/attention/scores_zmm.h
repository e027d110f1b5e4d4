// Scores of queries, and the maxima of each row of them, on 512-bit registers.
//
// The maxima stay in registers while a row's scores are made, whatever number of keys there are. In memory they would
// be read and written with every tile: a third of all stores, which on AMD's Zen 4 take the time of one or two
// products.
#pragma once

#include <cstring>

#include "kernels/attention/attention_law.h"
#include "kernels/gemm/vnni/vnni_zmm.h"

namespace intvit::kernels {
namespace {

class ScoresZmm {
 public:
  // keys: [padded_columns(keys.n)] weights and biases, of which columns from keys.n on are copies of others. Writes
  // scores [rows][stride], an even number of panels each, and maxima [rows][16]: the largest score of a row is the
  // largest of these.
  static void make(const std::uint8_t* queries, std::ptrdiff_t query_stride, int rows, const LinearWeights& keys,
                   const std::int32_t* bias, std::int32_t* scores, std::ptrdiff_t stride, std::int32_t* maxima) {
    tiles<kRows>({queries, query_stride, &keys, bias, scores, stride, maxima}, 0, rows);
  }

 private:
  static constexpr int kRows = 8;  // 16 sums and 8 maxima of 32 registers

  struct Block {
    const std::uint8_t* queries;
    std::ptrdiff_t query_stride;
    const LinearWeights* keys;
    const std::int32_t* bias;
    std::int32_t* scores;
    std::ptrdiff_t stride;
    std::int32_t* maxima;
  };

  // Rows from `row` on. The last tile may begin within rows that are finished, which then get the same scores again.
  template <int R>
  static void tiles(const Block& block, int row, int rows) {
    for (; row + R <= rows; row += R) tile<R>(block, row);
    if constexpr (R > 1) {
      if (rows - row > R / 2 && rows >= R) {
        tile<R>(block, rows - R);
      } else {
        tiles<R / 2>(block, row, rows);
      }
    }
  }

  template <int R>
  static __attribute__((noinline)) void tile(const Block& block, int row) {
    const LinearWeights& keys = *block.keys;
    const int panels = panel_count(keys.n);
    const std::ptrdiff_t panel_bytes = std::ptrdiff_t{keys.k} * kPanelColumns;
    std::ptrdiff_t query_stride = block.query_stride, stride = block.stride;
    const std::uint8_t* queries = block.queries + row * query_stride;
    std::int32_t* scores = block.scores + row * stride;
    __m512i maxima[R];
#pragma GCC unroll 8
    for (__m512i& most : maxima) most = _mm512_set1_epi32(INT32_MIN);
    for (int p = 0; p < panels; p += 2) {
      // An odd last panel is its own neighbour.
      const int next = p + 1 < panels ? p + 1 : p;
      const __m512i bias_lo = _mm512_loadu_si512(block.bias + p * kPanelColumns);
      const __m512i bias_hi = _mm512_loadu_si512(block.bias + next * kPanelColumns);
      __m512i lo[R], hi[R];
#pragma GCC unroll 8
      for (int r = 0; r < R; ++r) {
        lo[r] = bias_lo;
        hi[r] = bias_hi;
      }
      // gcc would hold an address for every row from panel to panel, more than there are registers.
      asm("" : "+r"(query_stride), "+r"(stride));
      accumulate<R>(queries, query_stride, keys.tiles + p * panel_bytes, keys.tiles + next * panel_bytes,
                    keys.k / kGroupDepth, lo, hi);
      std::int32_t* out = scores + p * kPanelColumns;
#pragma GCC unroll 8
      for (int r = 0; r < R; ++r) {
        _mm512_storeu_si512(out + r * stride, lo[r]);
        _mm512_storeu_si512(out + r * stride + kPanelColumns, hi[r]);
        maxima[r] = _mm512_max_epi32(maxima[r], _mm512_max_epi32(lo[r], hi[r]));
      }
    }
#pragma GCC unroll 8
    for (int r = 0; r < R; ++r) _mm512_storeu_si512(block.maxima + (row + r) * kPanelColumns, maxima[r]);
  }

  // lo, hi += R queries x two panels of keys.
  template <int R>
  static inline __attribute__((always_inline)) void accumulate(const std::uint8_t* queries, std::ptrdiff_t stride,
                                                               const std::uint8_t* left, const std::uint8_t* right,
                                                               int groups, __m512i (&lo)[R], __m512i (&hi)[R]) {
    const std::uint8_t* base[3] = {queries, queries + 3 * stride, queries + 6 * stride};
    for (; groups > 0; --groups) {
      const __m512i b0 = _mm512_loadu_si512(left), b1 = _mm512_loadu_si512(right);
#pragma GCC unroll 8
      for (int r = 0; r < R; ++r) {
        const __m512i a = broadcast_group<Avx512>(base[r / 3] + (r % 3) * stride);
        VnniZmm::dot_u8s8(lo[r], a, b0);
        VnniZmm::dot_u8s8(hi[r], a, b1);
      }
      left += kGroupBytes;
      right += kGroupBytes;
#pragma GCC unroll 3
      for (auto& rows : base) rows += kGroupDepth;
    }
  }
};

}  // namespace
}  // namespace intvit::kernels
