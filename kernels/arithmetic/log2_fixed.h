// log2 of a 32-bit number with 16 fraction bits: the place of the leading bit, and a chord of the logarithm of the rest
// over 1/256 of an octave. Off by less than 2^-16.
#pragma once

#include <array>
#include <bit>
#include <cstdint>

namespace intvit::kernels {
namespace {

inline constexpr int kLog2FractionBits = 16;
inline constexpr int kLog2TableBits = 8;           // of a position in the table
inline constexpr int kLog2EntryFractionBits = 20;  // of an entry

// round(2^20 * log2(1 + i / 256)), by squaring: whether x^2 >= 2 is the next bit of the logarithm of x.
constexpr std::array<std::uint32_t, (1 << kLog2TableBits) + 1> make_log2_table() {
  std::array<std::uint32_t, (1 << kLog2TableBits) + 1> table{};
  for (std::uint32_t i = 0; i < 1 << kLog2TableBits; ++i) {
    std::uint64_t x = std::uint64_t{(1u << kLog2TableBits) + i} << (31 - kLog2TableBits);  // Q31, [1, 2)
    std::uint32_t bits = 0;
    for (int bit = 0; bit <= kLog2EntryFractionBits; ++bit) {
      x = (x * x) >> 31;
      bits = 2 * bits + static_cast<std::uint32_t>(x >> 32);
      x >>= x >> 32;
    }
    table[i] = (bits + 1) >> 1;
  }
  table[1 << kLog2TableBits] = 1u << kLog2EntryFractionBits;
  return table;
}

inline constexpr auto kLog2Table = make_log2_table();

// 0 for x = 0, which is no logarithm but defined.
[[maybe_unused]] constexpr std::int32_t log2_fixed(std::uint32_t x) noexcept {
  if (x == 0) return 0;
  const int place = std::bit_width(x) - 1;
  const std::uint32_t mantissa = x << (31 - place);  // the leading bit is bit 31, then 8 bits of table and 23 of chord
  const std::uint32_t entry = (mantissa >> 23) & 255;
  const std::uint32_t along = (mantissa >> 7) & 0xffff;
  const std::uint32_t chord = ((kLog2Table[entry + 1] - kLog2Table[entry]) * along) >> 16;
  constexpr int kDropped = kLog2EntryFractionBits - kLog2FractionBits;
  const std::uint32_t fraction = (kLog2Table[entry] + chord + (1u << (kDropped - 1))) >> kDropped;
  return (place << kLog2FractionBits) + static_cast<std::int32_t>(fraction);
}

}  // namespace
}  // namespace intvit::kernels
