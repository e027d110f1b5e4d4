// Multiplication of narrow codes or by small weights on AVX2: codes of up to 6 bits by any 8-bit weights, or of 8 bits
// by weights up to 32, have products of which two groups and more fit 16 bits.
#pragma once

#include <cstring>

#include "kernels/gemm/avx2/multiply_by_pairs_avx2.h"
#include "kernels/simd/tables_avx2.h"

namespace intvit::kernels {
namespace {

// The largest code of as many bits as the codes of all rows have, at least 1; 256 as soon as it is more than `enough`.
// k is a multiple of 4.
inline int largest_narrow_code(const std::uint8_t* src, std::ptrdiff_t stride, int rows, int k, int enough) {
  for (int bits = 1, r = 0;; ++r, src += stride) {
    if (r == rows) return (1 << bits) - 1;
    __m256i all = _mm256_setzero_si256();
    int i = 0;
    for (; i + 32 <= k; i += 32) all = _mm256_or_si256(all, Ymm::load(src + i));
    std::uint32_t rest = 0;
    for (; i < k; i += 4) {
      std::uint32_t codes;
      std::memcpy(&codes, src + i, sizeof codes);
      rest |= codes;
    }
    all = _mm256_or_si256(all, _mm256_set1_epi32(static_cast<std::int32_t>(rest)));
    while (bits < 8 && _mm256_testz_si256(all, _mm256_set1_epi8(static_cast<char>(0xff << bits))) == 0) ++bits;
    if ((1 << bits) - 1 > enough) return 256;
  }
}

// A power of two that no 8-bit weight exceeds in magnitude; of 8 bits, the first few weights tell as a rule.
inline int largest_weight(const LinearWeights& weights) {
  constexpr std::ptrdiff_t kPart = 512;  // bytes
  const std::uint8_t* const end = weights.tiles + std::ptrdiff_t{padded_columns(weights.n)} * weights.k;
  int bits = 0;
  for (const std::uint8_t* part = weights.tiles; part < end && bits < 7; part += kPart) {
    __m256i all = _mm256_setzero_si256();
    const std::uint8_t* const part_end = end - part < kPart ? end : part + kPart;
    for (const std::uint8_t* p = part; p < part_end; p += 32) {
      const __m256i some = Ymm::load(p);
      all = _mm256_or_si256(all, _mm256_xor_si256(some, _mm256_cmpgt_epi8(_mm256_setzero_si256(), some)));
    }
    while (bits < 7 && _mm256_testz_si256(all, _mm256_set1_epi8(static_cast<char>(0xff << bits))) == 0) ++bits;
  }
  return 1 << bits;
}

// Weights are looked through for their largest where that many rows may win by it.
inline constexpr int kRowsToLook = 32;

// False, and nothing done: products are too large.
template <typename EpilogueType>
bool multiply_narrow(const std::uint8_t* src, std::ptrdiff_t stride, int rows, const LinearWeights& weights,
                     void* scratch, const EpilogueType& epilogue) {
  const bool look = weights.largest == LinearWeights::kLargest && rows >= kRowsToLook;
  const int weight = look ? largest_weight(weights) : weights.largest;
  constexpr int kLeastGroups = 2;
  const int enough = INT16_MAX / (2 * kLeastGroups * weight);
  const int code = largest_narrow_code(src, stride, rows, weights.used_depth(), enough);
  if (code > enough) return false;
  const int groups = groups_in_16_bits(code, weight);
  for_each_column_block<Avx2>(
      static_cast<std::size_t>(rows / kRowsByPairs), weights, scratch, epilogue, [](auto&&...) {},
      [&](auto, const std::uint8_t* panel, const auto& columns, const WantedNext& next) {
        multiply_columns_by_pairs<0>(groups, src, stride, 0, rows, panel, weights.used_depth(), columns, next);
      });
  return true;
}

}  // namespace
}  // namespace intvit::kernels
