// Multiplication of narrow codes or by small weights on AVX2: codes of up to 6 bits by any 8-bit weights, or 8 bits by
// weights up to 32, have products of which two groups and more fit 16 bits.
#pragma once

#include <cstring>

#include "kernels/gemm/multiply_by_pairs_avx2.h"

namespace intvit::kernels {
namespace {

// The largest code of as many bits as the codes of all rows have, at least 1; 255 as soon as it is more than `enough`.
// k is a multiple of 4.
inline int largest_narrow_code(const std::uint8_t* src, std::ptrdiff_t stride, int rows, int k, int enough) {
  for (int bits = 1, r = 0;; ++r, src += stride) {
    if (r == rows) return (1 << bits) - 1;
    __m256i all = _mm256_setzero_si256();
    int i = 0;
    for (; i + 32 <= k; i += 32) all = _mm256_or_si256(all, Avx2::load(src + i));
    std::uint32_t rest = 0;
    for (; i < k; i += 4) {
      std::uint32_t codes;
      std::memcpy(&codes, src + i, sizeof codes);
      rest |= codes;
    }
    all = _mm256_or_si256(all, _mm256_set1_epi32(static_cast<std::int32_t>(rest)));
    while (bits < 8 && _mm256_testz_si256(all, _mm256_set1_epi8(static_cast<char>(0xff << bits))) == 0) ++bits;
    if ((1 << bits) - 1 > enough) return 255;
  }
}

// A power of two that no weight of a panel exceeds in magnitude.
inline int largest_weight(const std::uint8_t* panel, int k) {
  __m256i all = _mm256_setzero_si256();
  for (int i = 0; i < k * kPanelColumns; i += 32) {
    const __m256i weights = Avx2::load(panel + i);
    all = _mm256_or_si256(all, _mm256_xor_si256(weights, _mm256_cmpgt_epi8(_mm256_setzero_si256(), weights)));
  }
  int bits = 0;
  while (bits < 7 && _mm256_testz_si256(all, _mm256_set1_epi8(static_cast<char>(0xff << bits))) == 0) ++bits;
  return 1 << bits;
}

// Weights of a panel are looked through for their largest where that many rows may win by it.
inline constexpr int kRowsToLook = 32;

// False, and nothing done: products are too large.
template <typename EpilogueType>
bool multiply_narrow(const std::uint8_t* src, std::ptrdiff_t stride, int rows, const LinearWeights& weights,
                     void* scratch, const EpilogueType& epilogue) {
  constexpr int kLeastGroups = 2;
  const int enough = INT16_MAX / (2 * kLeastGroups * weights.largest);
  const int code = largest_narrow_code(src, stride, rows, weights.k, enough);
  if (code > enough) return false;
  const bool look = weights.largest == LinearWeights::kLargest && rows >= kRowsToLook;
  for_each_column_block<Avx2>(
      static_cast<std::size_t>(rows / kRowsByPairs), weights, scratch, epilogue, [](auto&&...) {},
      [&](auto, const std::uint8_t* panel, const auto& columns, const WantedNext& next) {
        const int weight = look ? largest_weight(panel, weights.k) : weights.largest;
        multiply_columns_by_pairs<0>(groups_in_16_bits(code, weight), src, stride, 0, rows, panel, weights.k, columns,
                                     next);
      });
  return true;
}

}  // namespace
}  // namespace intvit::kernels
