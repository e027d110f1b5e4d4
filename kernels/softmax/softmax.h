// softmax of one row of attention scores, as codes: e[j] = round(255 * 2^-t[j]), t[j] = (max - score[j]) * scale.
//
// The codes are relative to the row's maximum, not to its sum: 255 always stands for the largest probability, and the
// division by the sum of the codes (one per row) happens in the epilogue of probabilities x V, where it costs nothing.
// So rows of 197 nearly equal probabilities keep eight bits each, where codes of [0, 1] would have one or two.
// No exponential and no division per element: t is fixed point with 11 fraction bits, its integer part is a shift, and
// 2^-fraction a cubic in 16-bit arithmetic, off by less than 2^-12.
#pragma once

#include <cstdint>

#include "kernels/arithmetic.h"

namespace intvit::kernels {

// t = (min(65535, (d << left_shift) >> right_shift) * multiplier) >> 16, d = max - score, so that t has 11 fraction
// bits: the converter picks the shifts such that t = 16 is reached before 65535 is. At most one of the shifts is not
// zero.
struct SoftmaxScale {
  int left_shift;   // 0..15, small enough that (d << left_shift) < 2^31 for every d that can occur
  int right_shift;  // 0..31
  std::uint16_t multiplier;
};

inline constexpr int kSoftmaxFractionBits = 11;

namespace {

// 32640 * 2^-x for x in [0, 1), Horner in Q15; 32640 / 2^6 = 510 = 2 * 255. Coefficients by least maximum error.
inline constexpr std::int16_t kExp2C0 = 32640;
inline constexpr std::int16_t kExp2C1 = -22582;
inline constexpr std::int16_t kExp2C2 = 7570;
inline constexpr std::int16_t kExp2C3 = -1311;

[[maybe_unused]] inline std::uint8_t softmax_code(std::int32_t max, std::int32_t score,
                                                  const SoftmaxScale& scale) noexcept {
  const auto distance = static_cast<std::uint32_t>(max) - static_cast<std::uint32_t>(score);
  const auto scaled = static_cast<std::int32_t>((distance << scale.left_shift) >> scale.right_shift);
  const std::uint16_t t = multiply_high_u16(saturate_u16(scaled), scale.multiplier);
  const int whole = t >> kSoftmaxFractionBits;
  const auto fraction = static_cast<std::int16_t>((t & ((1 << kSoftmaxFractionBits) - 1)) << 4);  // Q15
  std::int16_t power = static_cast<std::int16_t>(kExp2C2 + multiply_q15(kExp2C3, fraction));
  power = static_cast<std::int16_t>(kExp2C1 + multiply_q15(power, fraction));
  power = static_cast<std::int16_t>(kExp2C0 + multiply_q15(power, fraction));
  const int doubled = whole + 6 >= 16 ? 0 : power >> (whole + 6);
  return static_cast<std::uint8_t>((doubled + 1) >> 1);
}

}  // namespace

struct SoftmaxArgs {
  const std::int32_t* scores;  // [padded_columns]; beyond `columns` anything
  std::uint8_t* dst;           // [padded_columns]; beyond `columns` zeros are written
  int columns;                 // 1..
  int padded_columns;          // a multiple of 64
  SoftmaxScale scale;
};

struct SoftmaxKernels {
  std::uint32_t (*run)(const SoftmaxArgs&) noexcept;  // returns the sum of the codes, at least 255
};

}  // namespace intvit::kernels
