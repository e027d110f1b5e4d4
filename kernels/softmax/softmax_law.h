// The law for softmax.h.
//
// Softmax by tables: with d = t to 8 fraction bits and L = -log2 of the row's largest probability, -log2(probability) =
// d + L. So a quantizer of probabilities, however it is spaced, is a list of thresholds that d + L is compared with.
#pragma once

#include <cstdint>

#include "kernels/arithmetic/arithmetic.h"
#include "kernels/arithmetic/log2_fixed.h"
#include "kernels/softmax/softmax.h"

namespace intvit::kernels {
namespace {

// 32640 * 2^-x for x in [0, 1), Horner in Q15; 32640 / 2^6 = 510 = 2 * 255. Coefficients by least maximum error.
inline constexpr std::int16_t kExp2C0 = 32640;
inline constexpr std::int16_t kExp2C1 = -22582;
inline constexpr std::int16_t kExp2C2 = 7570;
inline constexpr std::int16_t kExp2C3 = -1311;

[[maybe_unused]] inline std::uint16_t softmax_distance(std::int32_t max, std::int32_t score,
                                                       const SoftmaxScale& scale) noexcept {
  const auto distance = static_cast<std::uint32_t>(max) - static_cast<std::uint32_t>(score);
  const auto scaled = static_cast<std::int32_t>((distance << scale.left_shift) >> scale.right_shift);
  return multiply_high_u16(saturate_u16(scaled), scale.multiplier);
}

// 32640 * 2^-fraction(t)
[[maybe_unused]] inline int softmax_power(std::uint16_t t) noexcept {
  const auto fraction = static_cast<std::int16_t>((t & ((1 << kSoftmaxFractionBits) - 1)) << 4);  // Q15
  std::int16_t power = static_cast<std::int16_t>(kExp2C2 + multiply_q15(kExp2C3, fraction));
  power = static_cast<std::int16_t>(kExp2C1 + multiply_q15(power, fraction));
  return static_cast<std::int16_t>(kExp2C0 + multiply_q15(power, fraction));
}

[[maybe_unused]] inline std::uint8_t softmax_code(std::int32_t max, std::int32_t score,
                                                  const SoftmaxScale& scale) noexcept {
  const std::uint16_t t = softmax_distance(max, score, scale);
  const int shift = (t >> kSoftmaxFractionBits) + 6;
  const int doubled = shift >= 16 ? 0 : softmax_power(t) >> shift;
  return static_cast<std::uint8_t>((doubled + 1) >> 1);
}

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
  // Beyond these limits table_distance() clamps every distance to the same end of the table. Within them the sum of a
  // distance and the base fits 16 bits.
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
[[maybe_unused]] constexpr std::int16_t table_value(std::int16_t value, bool two_planes) noexcept {
  return static_cast<std::int16_t>(value & (two_planes ? 0x7fff : 0xff));
}

[[maybe_unused]] inline SoftmaxSums exponential_row_scalar(const SoftmaxArgs& args, std::int32_t max) noexcept {
  std::uint32_t sum = 0;
  for (int j = 0; j < args.columns; ++j) {
    args.dst[j] = softmax_code(max, args.scores[j], args.scale);
    sum += args.dst[j];
  }
  for (int j = args.columns; j < args.padded_columns; ++j) args.dst[j] = 0;
  return {sum, sum};
}

[[maybe_unused]] inline SoftmaxSums table_row_scalar(const SoftmaxArgs& args, std::int32_t max) noexcept {
  const auto t = [&](int j) { return softmax_distance(max, args.scores[j], args.scale); };
  SoftmaxRow row{0, 0};
  if (args.kind == SoftmaxKind::absolute) {
    std::uint32_t sum = 0;
    for (int j = 0; j < args.columns; ++j) sum += softmax_share(t(j));
    row = absolute_row(args.table, sum);
  }
  const bool two_planes = args.plane_stride != 0;
  std::uint32_t sum = 0;
  for (int j = 0; j < args.padded_columns; ++j) {
    std::int16_t value = 0;
    if (j < args.columns) {
      value = table_value(args.table.values[table_level(args.table, table_distance(t(j), row.base))], two_planes);
    }
    args.dst[j] = static_cast<std::uint8_t>(value & 0xff);
    if (two_planes) args.dst[args.plane_stride + j] = static_cast<std::uint8_t>(value >> 8);
    sum += static_cast<std::uint32_t>(value);
  }
  if (row.divisor == 0) row.divisor = sum > 0 ? sum : 1;
  return {sum, row.divisor};
}

[[maybe_unused]] inline SoftmaxSums softmax_row_scalar(const SoftmaxArgs& args) noexcept {
  std::int32_t max = args.scores[0];
  for (int j = 1; j < args.columns; ++j) max = args.scores[j] > max ? args.scores[j] : max;
  return args.kind == SoftmaxKind::exponential ? exponential_row_scalar(args, max) : table_row_scalar(args, max);
}

}  // namespace
}  // namespace intvit::kernels
