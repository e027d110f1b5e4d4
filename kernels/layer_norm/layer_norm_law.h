// The law for layer_norm.h: what a row's channels have in common, and one element.
#pragma once

#include <array>
#include <bit>
#include <cstdint>

#include "kernels/arithmetic/arithmetic.h"
#include "kernels/layer_norm/layer_norm.h"

namespace intvit::kernels {

// What every channel of a row needs.
struct RowNormalization {
  int exponent;          // e, -9..14: x is scaled by 2^e
  std::int16_t mean;     // round(mean * 2^e) modulo 2^16
  std::int16_t inverse;  // 2^13.5 / sqrt(W * 4^e) in Q15
};

namespace {

constexpr std::uint32_t integer_sqrt(std::uint64_t x) {
  std::uint64_t root = 0;
  for (std::uint64_t bit = std::uint64_t{1} << 31; bit != 0; bit >>= 1) {
    if ((root + bit) * (root + bit) <= x) root += bit;
  }
  return static_cast<std::uint32_t>(root);
}

// 2^28.5 / sqrt(x) at the middle of 512 intervals of x in [0, 2^29); only [128, 512) is used.
constexpr std::array<std::uint16_t, 512> make_inverse_sqrt_table() {
  std::array<std::uint16_t, 512> table{};
  for (std::uint64_t i = 128; i < 512; ++i) {
    const std::uint32_t root = integer_sqrt((std::uint64_t{1} << 57) / ((2 * i + 1) << 19));
    table[i] = static_cast<std::uint16_t>(root > 32767 ? 32767 : root);
  }
  return table;
}

inline constexpr std::array<std::uint16_t, 512> kInverseSqrt = make_inverse_sqrt_table();

// 2^28.5 / sqrt(x) for x in [2^27, 2^29), at most 32767; relative error below 2^-14.9.
[[maybe_unused]] inline std::int16_t inverse_sqrt(std::uint32_t x) noexcept {
  const std::uint64_t guess = kInverseSqrt[x >> 20];
  const std::uint64_t square = (x * guess * guess) >> 27;  // 2^30 if the guess is right
  const std::uint64_t refined = (guess * (3 * (std::uint64_t{1} << 30) - square) + (std::uint64_t{1} << 30)) >> 31;
  return static_cast<std::int16_t>(refined > 32767 ? 32767 : refined);
}

[[maybe_unused]] inline std::int64_t floor_divide(std::int64_t a, std::int64_t b) noexcept {
  const std::int64_t quotient = a / b;
  return quotient * b > a ? quotient - 1 : quotient;
}

// sum and sum_of_squares are exact. C <= 2^16 and |x| <= 2^15, so C * S2 <= 2^62.
[[maybe_unused]] inline RowNormalization normalize_row(std::int64_t sum, std::uint64_t sum_of_squares, int channels,
                                                       std::uint64_t epsilon) noexcept {
  const auto c = static_cast<std::uint64_t>(channels);
  const std::uint64_t variance =
      c * sum_of_squares - static_cast<std::uint64_t>(sum) * static_cast<std::uint64_t>(sum) + epsilon;
  const std::uint64_t w = variance / c;
  const int bits = std::bit_width(w);
  RowNormalization row;
  // floor((29 - bits) / 2); W < 2^47 unless eps is absurd, so that only a hostile file meets the lower limit.
  const int exponent = (29 - bits + 64) / 2 - 32;
  row.exponent = exponent < -9 ? -9 : exponent > 14 ? 14 : exponent;
  // W * 4^e, with the fraction of W: narrow rows whose values hardly differ have only a few whole bits. No overflow:
  // V < 2^bits * C, so V * 4^e < 2^29 * C. Below 2^27 only if W < 1/2: then all x are equal.
  std::uint64_t x = row.exponent >= 0 ? (variance << (2 * row.exponent)) / c : w >> (-2 * row.exponent);
  if (x >= (std::uint64_t{1} << 29)) x = (std::uint64_t{1} << 29) - 1;
  if (x < (std::uint64_t{1} << 27)) x = std::uint64_t{1} << 27;
  row.inverse = inverse_sqrt(static_cast<std::uint32_t>(x));
  // floor(sum * 2^e / C + 1/2)
  const std::int64_t twice = row.exponent >= 0 ? sum * (std::int64_t{2} << row.exponent) : 2 * sum;
  const std::int64_t divisor = row.exponent >= 0 ? channels : std::int64_t{channels} << -row.exponent;
  row.mean = static_cast<std::int16_t>(
      static_cast<std::uint16_t>(static_cast<std::uint64_t>(floor_divide(twice + divisor, 2 * divisor))));
  return row;
}

// One element of a row. The subtraction is modulo 2^16: its true result fits, so wrapping cannot be seen.
[[maybe_unused]] inline std::int16_t layer_norm_value(std::int16_t x, const RowNormalization& row, std::int16_t gamma,
                                                      std::int16_t beta, int shift, int beta_shift) noexcept {
  const auto scaled = static_cast<std::uint16_t>(
      row.exponent >= 0 ? static_cast<std::uint16_t>(x) << row.exponent
                        : multiply_q15(x, static_cast<std::int16_t>(1 << (15 + row.exponent))));
  const auto centred =
      static_cast<std::int16_t>(static_cast<std::uint16_t>(scaled - static_cast<std::uint16_t>(row.mean)));
  const std::int16_t u = multiply_q15(centred, row.inverse);
  const std::int32_t product = wrapping_add(u * gamma, beta * (1 << beta_shift));
  return saturate_s16(wrapping_add(product, 1 << (shift - 1)) >> shift);
}

// Channels [first, C) of a row; T is what is written: u8 codes or s16 values.
template <typename T>
void layer_norm_elements(const std::int16_t* src, T* dst, const RowNormalization& row, const LayerNormArgs& args,
                         int first) noexcept {
  for (int c = first; c < args.channels; ++c) {
    const std::int16_t value =
        layer_norm_value(src[c], row, args.affine[2 * c], args.affine[2 * c + 1], args.shift, args.beta_shift);
    if constexpr (sizeof(T) == 1) {
      dst[c] = clamp_code(value, args.max_code);
    } else {
      dst[c] = args.add ? saturate_s16(dst[c] + value) : value;
    }
  }
}

}  // namespace
}  // namespace intvit::kernels
