// Multiplication of split codes (split_codes_avx2.h) by 8-bit weights as they are stored.
#pragma once

#include <cstring>
#include <span>

#include "kernels/gemm/avx2/split_codes_avx2.h"
#include "kernels/gemm/column_blocks.h"
#include "kernels/simd/ymm.h"

namespace intvit::kernels {
namespace {

// Sums of each column's weights in a panel.
struct WeightSums {
  __m256i lo, hi;
};

inline WeightSums sum_weights(const std::uint8_t* panel, int k) {
  WeightSums sums{_mm256_setzero_si256(), _mm256_setzero_si256()};
  const auto add = [ones = _mm256_set1_epi8(1)](__m256i& sum, const std::uint8_t* weights) {
    const __m256i pairs = _mm256_maddubs_epi16(ones, Ymm::load(weights));
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
  const WeightSums sums =
      codes.any_offset() ? sum_weights(panel, k) : WeightSums{_mm256_setzero_si256(), _mm256_setzero_si256()};
  for (int row = 0; row < codes.rows(); row += SplitCodes::kTileRows) {
    const __m256i offset = _mm256_set1_epi32(codes.offset(row));
    const __m256i lo = _mm256_add_epi32(columns.bias_lo(), _mm256_mullo_epi32(offset, sums.lo));
    const __m256i hi = _mm256_add_epi32(columns.bias_hi(), _mm256_mullo_epi32(offset, sums.hi));
    for (int r = 0; r < SplitCodes::kTileRows; ++r) {
      Ymm::store(first.rows[row + r], lo);
      Ymm::store(first.rows[row + r] + kHalf, hi);
    }
  }
  const auto add = [&](std::span<const ExtraCodes> extras, std::int16_t sign) {
    const __m256i signs = _mm256_set1_epi16(sign);
    for (const ExtraCodes& extra : extras) {
      const __m256i a = _mm256_set1_epi32(static_cast<std::int32_t>(extra.codes));
      const std::uint8_t* weights = panel + std::ptrdiff_t{extra.group} * kGroupBytes;
      std::int32_t* row = first.rows[extra.row];
      for (int half = 0; half < 2; ++half) {
        const __m256i pairs = _mm256_maddubs_epi16(a, Ymm::load(weights + half * kGroupBytes / 2));
        Ymm::store(row + half * kHalf,
                   _mm256_add_epi32(Ymm::load(row + half * kHalf), _mm256_madd_epi16(pairs, signs)));
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
    lo[r] = Ymm::load(first + r * kPanelColumns);
    hi[r] = Ymm::load(first + r * kPanelColumns + kPanelColumns / 2);
  }
  const __m256i ones = _mm256_set1_epi16(1);
  for (int g = 0; g < k; g += kGroupDepth, panel += kGroupBytes) {
    const __m256i b_lo = Ymm::load(panel), b_hi = Ymm::load(panel + kGroupBytes / 2);
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

// Rows begin at `first_row` for the epilogue. Not inlined, as multiply_rows_s16 is not.
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

}  // namespace
}  // namespace intvit::kernels
