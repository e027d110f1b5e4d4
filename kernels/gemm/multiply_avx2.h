// Matrix multiplication on AVX2 without dot-product instructions, exact for all values.
//
// vpmaddubsw (u8 x s8 pairs) saturates at 16 bits when codes and 8-bit weights are large. Codes are split so that it
// does not (split_codes_avx2.h). Rows of which too much would be left over are widened to 16 bits, as weights are then,
// and multiplied with vpmaddwd, which cannot overflow but takes half as many products. 4-bit weights are at most 15 in
// magnitude: a pair is at most 2 * 255 * 15 = 7650, and four of them, 30600, still fit 16 bits; so vpmaddubsw is exact
// there and its 16-bit sums are widened only every fourth group.
//
// Two byte planes become one 16-bit value where codes are widened, and with 8-bit weights always are. vpmaddwd is
// signed, so that is all for values up to 32767, and valid models have no larger ones; blocks that do are given their
// 2^16 back in a slower loop. With 4-bit weights, the high bytes go first, and the low ones on top of 256 times their
// sums.
#pragma once

#include <cstring>

#include "kernels/gemm/column_blocks.h"
#include "kernels/gemm/expand_panel_avx2.h"
#include "kernels/gemm/split_codes_avx2.h"
#include "kernels/simd/avx2.h"

namespace intvit::kernels {
namespace {

// lo += a * b_lo, hi += a * b_hi, pairs of 16-bit products. Twelve sums and this need all sixteen registers: gcc 12
// spills sums that intrinsics update, so the one temporary is named here.
inline void dot_pairs(__m256i& lo, __m256i& hi, __m256i a, __m256i b_lo, __m256i b_hi) {
  __m256i products;
  asm("vpmaddwd %[b_lo], %[a], %[products]\n\t"
      "vpmaddwd %[b_hi], %[a], %[a]\n\t"
      "vpaddd %[products], %[lo], %[lo]\n\t"
      "vpaddd %[a], %[hi], %[hi]"
      : [lo] "+x"(lo), [hi] "+x"(hi), [a] "+x"(a), [products] "=&x"(products)
      : [b_lo] "x"(b_lo), [b_hi] "x"(b_hi));
}

// vpmaddwd has taken codes above 32767 for negative ones: their products are 2^16 weights too small.
inline void add_missing(__m256i& lo, __m256i& hi, __m256i a, __m256i b_lo, __m256i b_hi) {
  const __m256i large = _mm256_srli_epi16(a, 15);
  lo = _mm256_add_epi32(lo, _mm256_slli_epi32(_mm256_madd_epi16(large, b_lo), 16));
  hi = _mm256_add_epi32(hi, _mm256_slli_epi32(_mm256_madd_epi16(large, b_hi), 16));
}

// Sums of each column's weights in a panel.
struct WeightSums {
  __m256i lo, hi;
};

inline WeightSums sum_weights(const std::uint8_t* panel, int k) {
  WeightSums sums{_mm256_setzero_si256(), _mm256_setzero_si256()};
  const auto add = [ones = _mm256_set1_epi8(1)](__m256i& sum, const std::uint8_t* weights) {
    const __m256i pairs = _mm256_maddubs_epi16(ones, Avx2::load(weights));
    sum = _mm256_add_epi32(sum, _mm256_madd_epi16(pairs, _mm256_set1_epi16(1)));
  };
  for (int g = 0; g < k; g += kGroupDepth, panel += kGroupBytes) {
    add(sums.lo, panel);
    add(sums.hi, panel + kGroupBytes / 2);
  }
  return sums;
}

// What the main products of split codes are added to: bias, offset x weights and extras x weights of every row.
struct alignas(32) FirstSums {
  std::int32_t rows[SplitCodes::kMaxRows][kPanelColumns];
};

template <typename Columns>
inline void add_up_extras(const SplitCodes& codes, const std::uint8_t* panel, int k, const Columns& columns,
                          FirstSums& first) {
  constexpr int kHalf = kPanelColumns / 2;  // columns of a register
  const WeightSums sums = codes.any_offset() ? sum_weights(panel, k) : WeightSums{Avx2::zero(), Avx2::zero()};
  for (int row = 0; row < codes.rows(); row += SplitCodes::kTileRows) {
    const __m256i offset = _mm256_set1_epi32(codes.offset(row));
    const __m256i lo = _mm256_add_epi32(columns.bias_lo(), _mm256_mullo_epi32(offset, sums.lo));
    const __m256i hi = _mm256_add_epi32(columns.bias_hi(), _mm256_mullo_epi32(offset, sums.hi));
    for (int r = 0; r < SplitCodes::kTileRows; ++r) {
      Avx2::store(first.rows[row + r], lo);
      Avx2::store(first.rows[row + r] + kHalf, hi);
    }
  }
  const auto add = [&](std::span<const ExtraCodes> extras, std::int16_t sign) {
    const __m256i signs = _mm256_set1_epi16(sign);
    for (const ExtraCodes& extra : extras) {
      const __m256i a = _mm256_set1_epi32(static_cast<std::int32_t>(extra.codes));
      const std::uint8_t* weights = panel + std::ptrdiff_t{extra.group} * kGroupBytes;
      std::int32_t* row = first.rows[extra.row];
      for (int half = 0; half < 2; ++half) {
        const __m256i pairs = _mm256_maddubs_epi16(a, Avx2::load(weights + half * kGroupBytes / 2));
        Avx2::store(row + half * kHalf,
                    _mm256_add_epi32(Avx2::load(row + half * kHalf), _mm256_madd_epi16(pairs, signs)));
      }
    }
  };
  add(codes.added(), 1);
  add(codes.subtracted(), -1);
}

// R rows of main codes [R][k] against one panel as it is stored; `first` is where the sums of the first row begin.
template <int R, typename Columns>
inline __attribute__((always_inline)) void multiply_tile_split(const std::uint8_t* codes, const std::uint8_t* panel,
                                                               int k, const std::int32_t* first, const Columns& columns,
                                                               int row) {
  __m256i lo[R], hi[R];
#pragma GCC unroll 4
  for (int r = 0; r < R; ++r) {
    lo[r] = Avx2::load(first + r * kPanelColumns);
    hi[r] = Avx2::load(first + r * kPanelColumns + kPanelColumns / 2);
  }
  const __m256i ones = _mm256_set1_epi16(1);
  for (int g = 0; g < k; g += kGroupDepth, panel += kGroupBytes) {
    const __m256i b_lo = Avx2::load(panel), b_hi = Avx2::load(panel + kGroupBytes / 2);
#pragma GCC unroll 4
    for (int r = 0; r < R; ++r) {
      std::int32_t group;
      std::memcpy(&group, codes + std::ptrdiff_t{r} * k + g, sizeof group);
      const __m256i a = _mm256_set1_epi32(group);
      lo[r] = _mm256_add_epi32(lo[r], _mm256_madd_epi16(_mm256_maddubs_epi16(a, b_lo), ones));
      hi[r] = _mm256_add_epi32(hi[r], _mm256_madd_epi16(_mm256_maddubs_epi16(a, b_hi), ones));
    }
  }
  finish_rows<R>(columns, row, lo, hi);
}

// R rows of 16-bit codes [R][k] against one widened panel [k / 2][16][2]. kLarge: there are codes above 32767.
template <int R, bool kLarge, typename Columns>
inline __attribute__((always_inline)) void multiply_tile_s16(const std::int16_t* src, const std::int16_t* panel, int k,
                                                             const Columns& columns, int row) {
  __m256i lo[R], hi[R];
#pragma GCC unroll 6
  for (int r = 0; r < R; ++r) {
    lo[r] = columns.bias_lo();
    hi[r] = columns.bias_hi();
  }
  // Two base pointers and multiples of the stride reach six rows without six address registers.
  const std::int16_t* base[2] = {src, src + std::ptrdiff_t{3} * k};
  for (int g = 0; g < k; g += kGroupDepth, panel += kGroupBytes) {
#pragma GCC unroll 2
    for (int i = 0; i < kGroupDepth; i += 2) {
      const std::int16_t* weights = panel + std::ptrdiff_t{i} * kPanelColumns;
      const __m256i b_lo = Avx2::load(weights), b_hi = Avx2::load(weights + kPanelColumns);
#pragma GCC unroll 6
      for (int r = 0; r < R; ++r) {
        std::int32_t pair;
        std::memcpy(&pair, base[r / 3] + std::ptrdiff_t{r % 3} * k + i, sizeof pair);
        const __m256i a = _mm256_set1_epi32(pair);
        dot_pairs(lo[r], hi[r], a, b_lo, b_hi);
        if constexpr (kLarge) add_missing(lo[r], hi[r], a, b_lo, b_hi);
      }
    }
    base[0] += kGroupDepth;
    if constexpr (R > 3) base[1] += kGroupDepth;
  }
  finish_rows<R>(columns, row, lo, hi);
}

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

inline void widen_codes(const std::uint8_t* src, int k, std::int16_t* dst) {
  int i = 0;
  for (; i + 16 <= k; i += 16) {
    Avx2::store(dst + i, _mm256_cvtepu8_epi16(_mm_loadu_si128(reinterpret_cast<const __m128i*>(src + i))));
  }
  for (; i < k; ++i) dst[i] = src[i];
}

// The same with the high bytes of another plane. Returns whether there are values above 32767.
inline bool widen_planes(const std::uint8_t* low, const std::uint8_t* high, int k, std::int16_t* dst) {
  const auto widen = [](const std::uint8_t* p) {
    return _mm256_cvtepu8_epi16(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p)));
  };
  __m256i all = _mm256_setzero_si256();
  int i = 0;
  for (; i + 16 <= k; i += 16) {
    const __m256i values = _mm256_or_si256(widen(low + i), _mm256_slli_epi16(widen(high + i), 8));
    Avx2::store(dst + i, values);
    all = _mm256_or_si256(all, values);
  }
  bool large = _mm256_movemask_epi8(_mm256_srai_epi16(all, 15)) != 0;
  for (; i < k; ++i) {
    dst[i] = static_cast<std::int16_t>(low[i] + 256 * high[i]);
    large |= high[i] > 127;
  }
  return large;
}

// [k / 4][16][4] bytes -> [k / 2][16][2] 16-bit weights.
inline void widen_panel(const std::uint8_t* src, int k, std::int16_t* dst) {
  const auto widen = [](const std::uint8_t* p) {  // four columns of four weights: pairs 0, 1, 0, 1, ...
    return _mm256_castsi256_ps(_mm256_cvtepi8_epi16(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p))));
  };
  constexpr int kHalf = kPanelColumns / 2;  // columns of a register
  for (int g = 0; g < k; g += kGroupDepth, src += kGroupBytes, dst += kGroupBytes) {
    for (int half = 0; half < 2; ++half) {
      const __m256 left = widen(src + 32 * half), right = widen(src + 32 * half + 16);
      const auto store_pairs = [&](int pair, __m256 pairs) {
        Avx2::store(dst + pair * 2 * kPanelColumns + half * 2 * kHalf,
                    _mm256_permute4x64_epi64(_mm256_castps_si256(pairs), 0xd8));
      };
      store_pairs(0, _mm256_shuffle_ps(left, right, 0x88));
      store_pairs(1, _mm256_shuffle_ps(left, right, 0xdd));
    }
  }
}

// Rows [first, last) are passed to the epilogue under their own numbers. This and its likes are not inlined: gcc would
// keep what the epilogue knows of the columns in registers all the time, and sums in memory.
template <bool kLarge, typename Columns>
__attribute__((noinline)) void multiply_rows_s16(const std::int16_t* codes, const std::int16_t* panel, int k,
                                                 const Columns& columns, int first, int last) {
  const auto at = [&](int r) { return codes + static_cast<std::ptrdiff_t>(r - first) * k; };
  int row = first;
  for (; row + 6 <= last; row += 6) multiply_tile_s16<6, kLarge>(at(row), panel, k, columns, row);
  for (; row + 2 <= last; row += 2) multiply_tile_s16<2, kLarge>(at(row), panel, k, columns, row);
  for (; row < last; ++row) multiply_tile_s16<1, kLarge>(at(row), panel, k, columns, row);
}

// Rows [begin, end), widened.
template <typename EpilogueType>
void multiply_s16(const std::uint8_t* src, std::ptrdiff_t stride, std::ptrdiff_t plane_stride, int begin, int end,
                  const LinearWeights& weights, void* scratch, const EpilogueType& epilogue) {
  const int k = weights.k;
  auto* panel = static_cast<std::int16_t*>(scratch);
  std::int16_t* codes = panel + static_cast<std::ptrdiff_t>(k) * kPanelColumns;
  for (int first = begin; first < end; first += kWidenedRows) {
    const int last = first + kWidenedRows < end ? first + kWidenedRows : end;
    bool large = false;
    for (int r = first; r < last; ++r) {
      const std::uint8_t* row = src + r * stride;
      std::int16_t* widened = codes + static_cast<std::ptrdiff_t>(r - first) * k;
      if (plane_stride == 0) {
        widen_codes(row, k, widened);
      } else {
        large |= widen_planes(row, row + plane_stride, k, widened);
      }
    }
    for (int p = 0; p < panel_count(weights.n); ++p) {
      widen_panel(weights.tiles + static_cast<std::ptrdiff_t>(p) * k * kPanelColumns, k, panel);
      const typename EpilogueType::template Columns<false> columns(epilogue, p * kPanelColumns);
      if (large) {
        multiply_rows_s16<true>(codes, panel, k, columns, first, last);
      } else {
        multiply_rows_s16<false>(codes, panel, k, columns, first, last);
      }
    }
  }
}

// Rows begin at `first_row` for the epilogue.
template <typename Columns>
__attribute__((noinline)) void multiply_rows_split(const SplitCodes& codes, const std::uint8_t* panel, int k,
                                                   const Columns& columns, int first_row, WantedNext next) {
  FirstSums first;
  add_up_extras(codes, panel, k, columns, first);
  const int tiles = codes.rows() / SplitCodes::kTileRows;
  for (int i = 0; i < tiles; ++i) {
    next.fetch();
    const int row = tile_in_turn(i, tiles) * SplitCodes::kTileRows;
    multiply_tile_split<SplitCodes::kTileRows>(codes.main(row), panel, k, first.rows[row], columns, first_row + row);
  }
  for (int row = tiles * SplitCodes::kTileRows; row < codes.rows(); ++row) {
    multiply_tile_split<1>(codes.main(row), panel, k, first.rows[row], columns, first_row + row);
  }
}

template <typename EpilogueType>
void multiply_s8(const std::uint8_t* src, std::ptrdiff_t stride, std::ptrdiff_t plane_stride, int rows,
                 const LinearWeights& weights, void* scratch, const EpilogueType& epilogue) {
  static_assert(SplitCodes::scratch_bytes(1024) <= linear_scratch_bytes(1024));
  if (plane_stride != 0 || !SplitCodes::pays_for(weights))
    return multiply_s16(src, stride, plane_stride, 0, rows, weights, scratch, epilogue);
  SplitCodes codes(weights.k, scratch);
  int blocks = (rows + SplitCodes::kMaxRows - 1) / SplitCodes::kMaxRows;
  for (int first = 0; first < rows; --blocks) {
    // Whole tiles, in blocks of about the same size: every block reads all weights.
    const int tiles = (rows - first + SplitCodes::kTileRows - 1) / SplitCodes::kTileRows;
    const int some = (tiles + blocks - 1) / blocks * SplitCodes::kTileRows;
    const int last = first + some < rows ? first + some : rows;
    if (codes.split(src + first * stride, stride, last - first)) {
      const auto steps = static_cast<std::size_t>((last - first) / SplitCodes::kTileRows);
      for_each_column_block<Avx2>(steps, weights, scratch, epilogue, expand_panel_avx2,
                                  [&](auto, const std::uint8_t* panel, const auto& columns, const WantedNext& next) {
                                    multiply_rows_split(codes, panel, weights.k, columns, first, next);
                                  });
    } else {
      multiply_s16(src, stride, 0, first, last, weights, scratch, epilogue);
    }
    first = last;
  }
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

// The same interface in multiply_<isa>.h of every instruction set.
template <typename EpilogueType>
void multiply(const std::uint8_t* src, std::ptrdiff_t stride, int rows, const LinearWeights& weights, void* scratch,
              const EpilogueType& epilogue, std::ptrdiff_t plane_stride = 0) {
  if (weights.bits == 4) {
    multiply_s4(src, stride, plane_stride, rows, weights, scratch, epilogue);
  } else {
    multiply_s8(src, stride, plane_stride, rows, weights, scratch, epilogue);
  }
}

}  // namespace
}  // namespace intvit::kernels
