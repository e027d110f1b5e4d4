// Multiplication by 4-bit weights on AVX2. They are at most 15 in magnitude: a pair of products is at most 2 * 255 * 15
// = 7650, and four of them, 30600, fit 16 bits; so vpmaddubsw is exact, and its sums are widened only every fourth
// group of depth, or less often where zero points allow.
//
// Of two byte planes the high bytes go first, and the low ones on top of 256 times their sums.
#pragma once

#include <cstring>

#include "kernels/gemm/column_blocks.h"
#include "kernels/gemm/expand_panel_avx2.h"
#include "kernels/simd/avx2.h"

namespace intvit::kernels {
namespace {

// lo, hi += R rows of codes x kGroups groups of weights, whose 16-bit sums of pairs must not overflow. Assembly, since
// gcc 12 puts off additions of intrinsics until products fill the stack.
template <int R, int kGroups>
inline __attribute__((always_inline)) void add_groups(const std::uint8_t* src, std::ptrdiff_t stride,
                                                      const std::uint8_t* weights, __m256i (&lo)[R], __m256i (&hi)[R]) {
  __m256i pairs_lo[R], pairs_hi[R];
#pragma GCC unroll 8
  for (int g = 0; g < kGroups; ++g, weights += kGroupBytes) {
    const __m256i b_lo = Avx2::load(weights), b_hi = Avx2::load(weights + kGroupBytes / 2);
#pragma GCC unroll 2
    for (int r = 0; r < R; ++r) {
      std::int32_t group;
      std::memcpy(&group, src + r * stride + g * kGroupDepth, sizeof group);
      __m256i a = _mm256_set1_epi32(group);
      if (g == 0) {
        asm("vpmaddubsw %[b_lo], %[a], %[pairs_lo]\n\t"
            "vpmaddubsw %[b_hi], %[a], %[pairs_hi]"
            : [pairs_lo] "=&x"(pairs_lo[r]), [pairs_hi] "=x"(pairs_hi[r])
            : [a] "x"(a), [b_lo] "x"(b_lo), [b_hi] "x"(b_hi));
      } else {
        __m256i products;
        asm("vpmaddubsw %[b_lo], %[a], %[products]\n\t"
            "vpmaddubsw %[b_hi], %[a], %[a]\n\t"
            "vpaddw %[products], %[pairs_lo], %[pairs_lo]\n\t"
            "vpaddw %[a], %[pairs_hi], %[pairs_hi]"
            : [pairs_lo] "+x"(pairs_lo[r]), [pairs_hi] "+x"(pairs_hi[r]), [a] "+x"(a), [products] "=&x"(products)
            : [b_lo] "x"(b_lo), [b_hi] "x"(b_hi));
      }
    }
  }
#pragma GCC unroll 2
  for (int r = 0; r < R; ++r) {
    asm("vpmaddwd %[ones], %[pairs_lo], %[pairs_lo]\n\t"
        "vpmaddwd %[ones], %[pairs_hi], %[pairs_hi]\n\t"
        "vpaddd %[pairs_lo], %[lo], %[lo]\n\t"
        "vpaddd %[pairs_hi], %[hi], %[hi]"
        : [lo] "+x"(lo[r]), [hi] "+x"(hi[r]), [pairs_lo] "+x"(pairs_lo[r]), [pairs_hi] "+x"(pairs_hi[r])
        : [ones] "x"(_mm256_set1_epi16(1)));
  }
}

// R rows of codes x one expanded panel of 4-bit weights [k / 4][16][4]; k is a multiple of 16.
template <int R, int kGroups>
inline __attribute__((always_inline)) void multiply_rows_s4(const std::uint8_t* src, std::ptrdiff_t stride,
                                                            std::ptrdiff_t plane_stride, const std::uint8_t* panel,
                                                            int k, __m256i* sums_lo, __m256i* sums_hi) {
  constexpr int kDepth = kGroups * kGroupDepth, kLastDepth = 2 * kGroupDepth;
  __m256i lo[R], hi[R];
#pragma GCC unroll 2
  for (int r = 0; r < R; ++r) lo[r] = hi[r] = _mm256_setzero_si256();
  for (std::ptrdiff_t plane = plane_stride;; plane = 0) {
    const std::uint8_t *codes = src + plane, *end = codes + k, *weights = panel;
    for (; end - codes >= kDepth; codes += kDepth, weights += kGroups * kGroupBytes) {
      add_groups<R, kGroups>(codes, stride, weights, lo, hi);
    }
    for (; codes < end; codes += kLastDepth, weights += 2 * kGroupBytes) {
      add_groups<R, 2>(codes, stride, weights, lo, hi);
    }
    if (plane == 0) break;
#pragma GCC unroll 2
    for (int r = 0; r < R; ++r) {
      lo[r] = _mm256_slli_epi32(lo[r], 8);
      hi[r] = _mm256_slli_epi32(hi[r], 8);
    }
  }
#pragma GCC unroll 2
  for (int r = 0; r < R; ++r) {
    sums_lo[r] = lo[r];
    sums_hi[r] = hi[r];
  }
}

template <int R>
struct TileSums {
  __m256i lo[R], hi[R];
};

// In pairs, which share loads of weights and leave registers to the sums. A function of its own, so that there is one
// for all epilogues.
template <int R, int kGroups>
__attribute__((noinline)) void multiply_tile_s4(const std::uint8_t* src, std::ptrdiff_t stride,
                                                std::ptrdiff_t plane_stride, const std::uint8_t* panel, int k,
                                                TileSums<R>& sums) {
  constexpr int kRows = R == 1 ? 1 : 2;
  static_assert(R % kRows == 0);
  for (int r = 0; r < R; r += kRows) {
    multiply_rows_s4<kRows, kGroups>(src + r * stride, stride, plane_stride, panel, k, sums.lo + r, sums.hi + r);
  }
}

// How many groups of products of a panel of 4-bit weights fit 16 bits: 255 * 2 * |weight| each.
inline int groups_in_16_bits(const std::uint8_t* zero_points) {
  int largest = 8;
  for (int c = 0; c < kPanelColumns; ++c) {
    const int zero = zero_points[c];
    largest = zero > largest ? zero : 15 - zero > largest ? 15 - zero : largest;
  }
  return largest <= 8 ? 8 : largest <= 10 ? 6 : 4;
}

template <int R, typename Columns>
inline void finish_tile_s4(const TileSums<R>& sums, const Columns& columns, int row) {
  const __m256i bias_lo = columns.bias_lo(), bias_hi = columns.bias_hi();
  __m256i lo[R], hi[R];
#pragma GCC unroll 4
  for (int r = 0; r < R; ++r) {
    lo[r] = _mm256_add_epi32(_mm256_slli_epi32(sums.lo[r], kNibbleShift), bias_lo);
    hi[r] = _mm256_add_epi32(_mm256_slli_epi32(sums.hi[r], kNibbleShift), bias_hi);
  }
  finish_rows<R>(columns, row, lo, hi);
}

inline constexpr int kRowsS4 = 4;  // of a tile

template <int kGroups, typename Columns>
void multiply_columns_s4(const std::uint8_t* src, std::ptrdiff_t stride, std::ptrdiff_t plane, int rows,
                         const std::uint8_t* panel, int k, const Columns& columns, WantedNext next) {
  const int tiles = rows / kRowsS4;
  for (int i = 0; i < tiles; ++i) {
    next.fetch();
    const int row = tile_in_turn(i, tiles) * kRowsS4;
    TileSums<kRowsS4> sums;
    multiply_tile_s4<kRowsS4, kGroups>(src + row * stride, stride, plane, panel, k, sums);
    finish_tile_s4(sums, columns, row);
  }
  for (int row = tiles * kRowsS4; row < rows; ++row) {
    TileSums<1> sums;
    multiply_tile_s4<1, kGroups>(src + row * stride, stride, plane, panel, k, sums);
    finish_tile_s4(sums, columns, row);
  }
}

template <typename EpilogueType>
void multiply_s4(const std::uint8_t* src, std::ptrdiff_t stride, std::ptrdiff_t plane, int rows,
                 const LinearWeights& weights, void* scratch, const EpilogueType& epilogue) {
  int groups = 0;
  const auto expand = [&](const std::uint8_t* nibbles, const std::uint8_t* zero_points, int k, std::uint8_t* dst) {
    groups = groups_in_16_bits(zero_points);
    expand_panel_avx2(nibbles, zero_points, k, dst);
  };
  for_each_column_block<Avx2>(
      static_cast<std::size_t>(rows / kRowsS4), weights, scratch, epilogue, expand,
      [&](auto, const std::uint8_t* panel, const auto& columns, const WantedNext& next) {
        switch (groups) {
          case 8:
            return multiply_columns_s4<8>(src, stride, plane, rows, panel, weights.k, columns, next);
          case 6:
            return multiply_columns_s4<6>(src, stride, plane, rows, panel, weights.k, columns, next);
          default:
            return multiply_columns_s4<4>(src, stride, plane, rows, panel, weights.k, columns, next);
        }
      });
}

}  // namespace
}  // namespace intvit::kernels
