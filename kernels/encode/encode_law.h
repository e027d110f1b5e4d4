// The law for encode.h, element by element and row by row.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>

#include "kernels/arithmetic/arithmetic.h"
#include "kernels/encode/encode.h"

namespace intvit::kernels {
namespace {

// Binary search without branches: the number of thresholds up to x is in [count, count + left].
[[maybe_unused]] inline std::int16_t table_value(std::int16_t x, const CodeTable& table) noexcept {
  int count = 0;
  for (int left = table.levels - 1; left > 0;) {
    const int half = (left + 1) / 2;
    count += table.thresholds[count + half - 1] <= x ? half : 0;
    left -= half;
  }
  return table.values[count];
}

[[maybe_unused]] constexpr std::int32_t clamp(std::int32_t x, std::int32_t low, std::int32_t high) noexcept {
  return x < low ? low : x > high ? high : x;
}

[[maybe_unused]] inline bool is_outlier(std::int16_t x, std::int16_t outlier) noexcept {
  return x > outlier || x < -outlier;
}

// On the grid, whatever steps it has: unit_of_grid() units of x are 2^15 of them.
constexpr std::int16_t unit_of_grid(int fine_bits) noexcept { return static_cast<std::int16_t>(1 << (15 - fine_bits)); }

[[maybe_unused]] inline std::int16_t on_grid(std::int32_t steps, const EncodeArgs& args) noexcept {
  return static_cast<std::int16_t>(clamp(steps + args.grid_zero, 0, args.grid_max));
}

// Kind uniform, and outliers.
[[maybe_unused]] inline std::int16_t grid_value(std::int16_t x, const EncodeArgs& args) noexcept {
  return on_grid(multiply_q15(x, unit_of_grid(args.fine_bits)), args);
}

[[maybe_unused]] inline std::int16_t table_or_grid_value(std::int16_t x, const EncodeArgs& args) noexcept {
  return is_outlier(x, args.outlier) ? grid_value(x, args) : table_value(x, args.table);
}

[[maybe_unused]] inline std::int16_t affine_value(std::int16_t x, const AffineCode& code,
                                                  const EncodeArgs& args) noexcept {
  if (is_outlier(x, args.outlier)) return grid_value(x, args);
  const std::int32_t scaled = multiply_q15(multiply_q15(x, code.multiplier), code.power);
  const std::int32_t number = clamp(scaled + code.zero, 0, args.max_code);
  return on_grid(multiply_q15(static_cast<std::int16_t>((number - code.zero) * (1 << args.step_shift)), code.step),
                 args);
}

[[maybe_unused]] inline AffineCode affine_code_at(const AffineCodes& codes, int i) noexcept {
  return {codes.multiplier[i], codes.power[i], codes.zero[i], codes.step[i]};
}

// round(a / b), ties upwards.
[[maybe_unused]] constexpr std::uint64_t rounded_quotient(std::uint64_t a, std::uint64_t b) noexcept {
  return (2 * a + b) / (2 * b);
}

// max_code + 1 codes over [lowest, highest], two values of s16, and 0. With range = max(highest - lowest, 2 * max_code)
// the distance of two codes is s = range / max_code units of x, at least 2: then 1/s = multiplier * power / 2^30 has
// a power of two up to 2^14 and a multiplier of 15 bits, correct to 2^-15 of itself. The inner product's rounding is
// at most 1/2 and reaches x / s divided by 2^r, with s <= 2^(r + 1), so that the code is round(x / s) + zero wherever
// x is further than 1 + |x| / 2^15 units from the border between two codes.
//
// A step is s / 2^fine_bits steps of the grid, in units of 2^(step_shift - 15), rounded: at most half a step of the
// grid for all codes. It saturates where s / 2^fine_bits > 2^step_shift; choose step_shift accordingly.
[[maybe_unused]] constexpr AffineCode affine_code_for_range(std::int32_t lowest, std::int32_t highest, int max_code,
                                                            int step_shift, int fine_bits) noexcept {
  const auto below = static_cast<std::uint32_t>(lowest < 0 ? -lowest : 0);
  const auto above = static_cast<std::uint32_t>(highest > 0 ? highest : 0);
  const auto codes = static_cast<std::uint32_t>(max_code);
  const std::uint32_t range = below + above > 2 * codes ? below + above : 2 * codes;
  int r = static_cast<int>(std::bit_width(range)) - static_cast<int>(std::bit_width(codes));
  if (codes << r > range) --r;  // 2^r <= s < 2^(r + 1), 1 <= r <= 15
  const std::uint64_t multiplier = rounded_quotient(std::uint64_t{codes} << (15 + r), range);
  const std::uint64_t zero = rounded_quotient(std::uint64_t{below} * codes, range);
  const std::uint64_t step =
      rounded_quotient(std::uint64_t{range} << 15, std::uint64_t{codes} << (step_shift + fine_bits));
  return {static_cast<std::int16_t>(multiplier > 32767 ? 32767 : multiplier), static_cast<std::int16_t>(1 << (15 - r)),
          static_cast<std::int16_t>(zero), static_cast<std::int16_t>(step > 32767 ? 32767 : step)};
}

// Outliers do not stretch the range of the others.
[[maybe_unused]] inline AffineCode affine_code_of_row(const std::int16_t* src, const EncodeArgs& args) noexcept {
  std::int16_t lowest = 0;
  std::int16_t highest = 0;
  for (int c = 0; c < args.columns; ++c) {
    if (is_outlier(src[c], args.outlier)) continue;
    if (src[c] < lowest) lowest = src[c];
    if (src[c] > highest) highest = src[c];
  }
  return affine_code_for_range(lowest, highest, args.max_code, args.step_shift, args.fine_bits);
}

[[maybe_unused]] inline void store_value(std::uint8_t* dst, std::ptrdiff_t plane_stride, std::int16_t value) noexcept {
  *dst = static_cast<std::uint8_t>(value);
  if (plane_stride != 0) dst[plane_stride] = static_cast<std::uint8_t>(value >> 8);
}

[[maybe_unused]] inline void encode_by_law(const EncodeArgs& args) noexcept {
  for (int r = 0; r < args.rows; ++r) {
    const std::int16_t* src = args.src + r * args.src_stride;
    std::uint8_t* dst = args.dst + r * args.dst_stride;
    AffineCode code{};
    if (args.kind == EncodeKind::rows) code = affine_code_at(args.codes, r);
    if (args.kind == EncodeKind::dynamic_rows) code = affine_code_of_row(src, args);
    for (int c = 0; c < args.columns; ++c) {
      if (args.kind == EncodeKind::columns) code = affine_code_at(args.codes, c);
      std::int16_t value = 0;
      switch (args.kind) {
        case EncodeKind::table:
          value = table_value(src[c], args.table);
          break;
        case EncodeKind::table_with_outliers:
          value = table_or_grid_value(src[c], args);
          break;
        case EncodeKind::uniform:
          value = grid_value(src[c], args);
          break;
        default:
          value = affine_value(src[c], code, args);
      }
      store_value(dst + c, args.plane_stride, value);
    }
  }
}

[[maybe_unused]] inline void column_ranges_by_law(const RangeArgs& args) noexcept {
  for (int c = 0; c < args.columns; ++c) {
    std::int16_t lowest = 32767;
    std::int16_t highest = -32768;
    for (int r = 0; r < args.rows; ++r) {
      const std::int16_t x = args.src[r * args.src_stride + c];
      if (x < lowest) lowest = x;
      if (x > highest) highest = x;
    }
    args.lowest[c] = lowest;
    args.highest[c] = highest;
  }
}

// (a - b)^2. Two of them add up to less than 2^64, whatever a is.
[[maybe_unused]] constexpr std::uint64_t squared_distance(std::int32_t a, std::int16_t b) noexcept {
  const std::int64_t difference = std::int64_t{a} - b;
  return static_cast<std::uint64_t>(difference) * static_cast<std::uint64_t>(difference);
}

// The g of the smallest (lowest - group_lowest[g])^2 + (highest - group_highest[g])^2, the first of equals.
[[maybe_unused]] constexpr int nearest_group(std::int32_t lowest, std::int32_t highest,
                                             const std::int16_t* group_lowest, const std::int16_t* group_highest,
                                             int groups) noexcept {
  int nearest = 0;
  std::uint64_t nearest_distance = ~std::uint64_t{0};
  for (int g = 0; g < groups; ++g) {
    const std::uint64_t distance =
        squared_distance(lowest, group_lowest[g]) + squared_distance(highest, group_highest[g]);
    if (distance < nearest_distance) {
      nearest = g;
      nearest_distance = distance;
    }
  }
  return nearest;
}

[[maybe_unused]] inline void nearest_groups_by_law(const GroupArgs& args) noexcept {
  for (int c = 0; c < args.columns; ++c) {
    args.group[c] = static_cast<std::int16_t>(
        nearest_group(args.lowest[c], args.highest[c], args.group_lowest, args.group_highest, args.groups));
  }
}

}  // namespace
}  // namespace intvit::kernels
