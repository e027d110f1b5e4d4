// Multiplication by 8-bit weights on AVX2 with everything widened to 16 bits, codes once per block of rows and weights
// once per block and panel: vpmaddwd cannot overflow, but takes half as many products as vpmaddubsw.
//
// Weights of which many blocks of rows are multiplied, as an attention's are, are widened once and for all.
//
// Two byte planes become one 16-bit value. vpmaddwd is signed, so that is all for values up to 32767, and valid models
// have no larger ones; blocks that do are given their 2^16 back in a slower loop.
#pragma once

#include <cstring>

#include "kernels/gemm/epilogue_simd.h"
#include "kernels/simd/tables_avx2.h"
#include "kernels/simd/ymm.h"

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
      const __m256i b_lo = Ymm::load(weights), b_hi = Ymm::load(weights + kPanelColumns);
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

inline void widen_codes(const std::uint8_t* src, int k, std::int16_t* dst) {
  int i = 0;
  for (; i + 16 <= k; i += 16) {
    Ymm::store(dst + i, _mm256_cvtepu8_epi16(_mm_loadu_si128(reinterpret_cast<const __m128i*>(src + i))));
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
    Ymm::store(dst + i, values);
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
        Ymm::store(dst + pair * 2 * kPanelColumns + half * 2 * kHalf,
                   _mm256_permute4x64_epi64(_mm256_castps_si256(pairs), 0xd8));
      };
      store_pairs(0, _mm256_shuffle_ps(left, right, 0x88));
      store_pairs(1, _mm256_shuffle_ps(left, right, 0xdd));
    }
  }
}

// Panel after panel, as widen_panel() has them: twice the bytes of the tiles.
inline void widen_weights(const LinearWeights& weights, std::int16_t* dst) {
  const std::ptrdiff_t panel = static_cast<std::ptrdiff_t>(weights.k) * kPanelColumns;
  for (int p = 0; p < panel_count(weights.n); ++p) widen_panel(weights.tiles + p * panel, weights.k, dst + p * panel);
}

// Rows [first, last) are passed to the epilogue under their own numbers. Not inlined: gcc would keep what the epilogue
// knows of the columns in registers all the time, and sums in memory.
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
  const int k = weights.used_depth();
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
      const std::ptrdiff_t at = static_cast<std::ptrdiff_t>(p) * weights.k * kPanelColumns;
      const std::int16_t* widened = weights.widened == nullptr ? panel : weights.widened + at;
      if (weights.widened == nullptr) widen_panel(weights.tiles + at, k, panel);
      begin_aside(epilogue, weights.tiles + at, weights.k, false);
      const typename EpilogueType::template Columns<false> columns(epilogue, p * kPanelColumns);
      if (large) {
        multiply_rows_s16<true>(codes, widened, k, columns, first, last);
      } else {
        multiply_rows_s16<false>(codes, widened, k, columns, first, last);
      }
    }
  }
}

}  // namespace
}  // namespace intvit::kernels
