// Softmax by tables, the law for one row: where its distances begin, and which value a distance has.
//
// With d = t to 8 fraction bits and L = -log2 of the row's largest probability, -log2(probability) = d + L. So a
// quantizer of probabilities, however it is spaced, is a list of thresholds that d + L is compared with.
#pragma once

#include "kernels/arithmetic/log2_fixed.h"
#include "kernels/softmax/softmax.h"

namespace intvit::kernels {
namespace {

// What a row's distances have in common: the table sees clamp(d + base, 0, kMaxSoftmaxDistance).
struct SoftmaxRow {
  int base;
  std::uint32_t divisor;  // 0: the sum of the values
};

inline constexpr int kSoftmaxDistanceShift = kSoftmaxFractionBits - kSoftmaxTableFractionBits;
inline constexpr int kMaxSoftmaxBase = kMaxSoftmaxDistance + 1;
inline constexpr int kMinSoftmaxBase = -(1 << (16 - kSoftmaxDistanceShift));

// round(32640 * 2^-t)
[[maybe_unused]] inline std::uint32_t softmax_share(std::uint16_t t) noexcept {
  const int whole = t >> kSoftmaxFractionBits;
  const int doubled = whole >= 16 ? 0 : (2 * softmax_power(t)) >> whole;
  return static_cast<std::uint32_t>((doubled + 1) >> 1);
}

// `sum` is that of 32640 * 2^-t, the divisor of the probabilities.
[[maybe_unused]] inline SoftmaxRow absolute_row(const SoftmaxTable& table, std::uint32_t sum) noexcept {
  constexpr std::int32_t kLog2One = log2_fixed(kExp2C0);
  constexpr int kDropped = kLog2FractionBits - kSoftmaxTableFractionBits;
  const std::int32_t exact = log2_fixed(sum) - kLog2One;  // below zero only if the sum has wrapped
  const std::int32_t log = exact < 0 ? 0 : (exact + (1 << (kDropped - 1))) >> kDropped;
  int group = 0;
  while (group < table.groups - 1 && table.group_bounds[group] <= log) ++group;
  // Below or above these limits all distances are clamped alike, and within them all fits 16 bits.
  const std::int64_t base = std::int64_t{log} - table.group_offsets[group];
  SoftmaxRow row;
  row.base = static_cast<int>(base < kMinSoftmaxBase   ? kMinSoftmaxBase
                              : base > kMaxSoftmaxBase ? kMaxSoftmaxBase
                                                       : base);
  row.divisor = static_cast<std::uint32_t>(table.group_divisors[group]);
  if (row.divisor == 0) row.divisor = 1;
  return row;
}

[[maybe_unused]] inline int table_distance(std::uint16_t t, int base) noexcept {
  const int distance = (t >> kSoftmaxDistanceShift) + base;
  return distance < 0 ? 0 : distance > kMaxSoftmaxDistance ? kMaxSoftmaxDistance : distance;
}

// How many of the first thresholds `distance` has reached. Were thresholds not ascending, the first that it has not
// reached would hide the later ones.
[[maybe_unused]] inline int table_level(const SoftmaxTable& table, int distance) noexcept {
  int level = 0;
  while (level < table.levels - 1 && table.thresholds[level] <= distance) ++level;
  return level;
}

// Fifteen bits if there is a plane for the high bytes, else eight.
[[maybe_unused]] constexpr std::int16_t table_value(std::int16_t value, bool wide) noexcept {
  return static_cast<std::int16_t>(value & (wide ? 0x7fff : 0xff));
}

}  // namespace
}  // namespace intvit::kernels
