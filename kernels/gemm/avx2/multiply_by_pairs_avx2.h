// Multiplication on AVX2 where products are small: vpmaddubsw adds two of them in 16 bits, and where more such pairs
// fit 16 bits, too, they are added there and widened only every few groups of depth.
//
// Of two byte planes the high bytes go first, and the low ones on top of 256 times their sums.
#pragma once

#include <cstring>

#include "kernels/gemm/column_blocks.h"
#include "kernels/simd/ymm.h"

namespace intvit::kernels {
namespace {

// How many groups of pairs fit 16 bits: 8, 6, 4 or 2, or 0 if there is no room for two.
constexpr int groups_in_16_bits(int largest_code, int largest_weight) {
  const int groups = INT16_MAX / (2 * largest_code * largest_weight);
  return groups >= 8 ? 8 : groups >= 2 ? groups / 2 * 2 : 0;
}

// lo, hi += R rows of codes x kGroups groups of weights, whose 16-bit sums of pairs must not overflow. Assembly, since
// gcc 12 puts off additions of intrinsics until products fill the stack.
template <int R, int kGroups>
inline __attribute__((always_inline)) void add_groups(const std::uint8_t* src, std::ptrdiff_t stride,
                                                      const std::uint8_t* weights, __m256i (&lo)[R], __m256i (&hi)[R]) {
  __m256i pairs_lo[R], pairs_hi[R];
#pragma GCC unroll 8
  for (int g = 0; g < kGroups; ++g, weights += kGroupBytes) {
    const __m256i b_lo = Ymm::load(weights), b_hi = Ymm::load(weights + kGroupBytes / 2);
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

// R rows of codes x one panel [k / 4][16][4]; k is a multiple of 4.
template <int R, int kGroups>
inline __attribute__((always_inline)) void multiply_rows_by_pairs(const std::uint8_t* src, std::ptrdiff_t stride,
                                                                  std::ptrdiff_t plane_stride,
                                                                  const std::uint8_t* panel, int k, __m256i* sums_lo,
                                                                  __m256i* sums_hi) {
  constexpr int kDepth = kGroups * kGroupDepth, kLastDepth = 2 * kGroupDepth;
  __m256i lo[R], hi[R];
#pragma GCC unroll 2
  for (int r = 0; r < R; ++r) lo[r] = hi[r] = _mm256_setzero_si256();
  for (std::ptrdiff_t plane = plane_stride;; plane = 0) {
    const std::uint8_t *codes = src + plane, *end = codes + k, *weights = panel;
    for (; end - codes >= kDepth; codes += kDepth, weights += kGroups * kGroupBytes) {
      add_groups<R, kGroups>(codes, stride, weights, lo, hi);
    }
    for (; end - codes >= kLastDepth; codes += kLastDepth, weights += 2 * kGroupBytes) {
      add_groups<R, 2>(codes, stride, weights, lo, hi);
    }
    if (codes < end) add_groups<R, 1>(codes, stride, weights, lo, hi);
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
__attribute__((noinline)) void multiply_tile_by_pairs(const std::uint8_t* src, std::ptrdiff_t stride,
                                                      std::ptrdiff_t plane_stride, const std::uint8_t* panel, int k,
                                                      TileSums<R>& sums) {
  constexpr int kRows = R == 1 ? 1 : 2;
  static_assert(R % kRows == 0);
  for (int r = 0; r < R; r += kRows) {
    multiply_rows_by_pairs<kRows, kGroups>(src + r * stride, stride, plane_stride, panel, k, sums.lo + r, sums.hi + r);
  }
}

template <int R>
using MultiplyTile = void (*)(const std::uint8_t* src, std::ptrdiff_t stride, std::ptrdiff_t plane_stride,
                              const std::uint8_t* panel, int k, TileSums<R>& sums);

template <int R>
MultiplyTile<R> multiply_tile_by_pairs_of(int groups) {
  switch (groups) {
    case 8:
      return multiply_tile_by_pairs<R, 8>;
    case 6:
      return multiply_tile_by_pairs<R, 6>;
    case 4:
      return multiply_tile_by_pairs<R, 4>;
    default:
      return multiply_tile_by_pairs<R, 2>;
  }
}

template <int kShift, int R, typename Columns>
inline void finish_tile(const TileSums<R>& sums, const Columns& columns, int row) {
  const __m256i bias_lo = columns.bias_lo(), bias_hi = columns.bias_hi();
  __m256i lo[R], hi[R];
#pragma GCC unroll 4
  for (int r = 0; r < R; ++r) {
    lo[r] = _mm256_add_epi32(_mm256_slli_epi32(sums.lo[r], kShift), bias_lo);
    hi[r] = _mm256_add_epi32(_mm256_slli_epi32(sums.hi[r], kShift), bias_hi);
  }
  finish_rows<R>(columns, row, lo, hi);
}

inline constexpr int kRowsByPairs = 4;  // of a tile

// All rows x one panel, `groups` as groups_in_16_bits() says. Sums are shifted left by kShift.
template <int kShift, typename Columns>
void multiply_columns_by_pairs(int groups, const std::uint8_t* src, std::ptrdiff_t stride, std::ptrdiff_t plane,
                               int rows, const std::uint8_t* panel, int k, const Columns& columns, WantedNext next) {
  const MultiplyTile<kRowsByPairs> multiply_tile = multiply_tile_by_pairs_of<kRowsByPairs>(groups);
  const int tiles = rows / kRowsByPairs;
  for (int i = 0; i < tiles; ++i) {
    next.fetch();
    const int row = tile_in_turn(i, tiles) * kRowsByPairs;
    TileSums<kRowsByPairs> sums;
    multiply_tile(src + row * stride, stride, plane, panel, k, sums);
    finish_tile<kShift>(sums, columns, row);
  }
  for (int row = tiles * kRowsByPairs; row < rows; ++row) {
    TileSums<1> sums;
    multiply_tile_by_pairs_of<1>(groups)(src + row * stride, stride, plane, panel, k, sums);
    finish_tile<kShift>(sums, columns, row);
  }
}

}  // namespace
}  // namespace intvit::kernels
