// The law for encode.h, element by element and row by row.
#pragma once

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

[[maybe_unused]] inline std::int16_t affine_value(std::int16_t x, const AffineCode& code,
                                                  const EncodeArgs& args) noexcept {
  std::int32_t steps;  // of the grid
  if (is_outlier(x, args.outlier)) {
    steps = multiply_q15(x, static_cast<std::int16_t>(1 << (15 - args.fine_bits)));
  } else {
    const std::int32_t scaled = multiply_q15(multiply_q15(x, code.multiplier), code.power);
    const std::int32_t number = clamp(scaled + code.zero, 0, args.max_code);
    steps = multiply_q15(static_cast<std::int16_t>((number - code.zero) * (1 << args.step_shift)), code.step);
  }
  return static_cast<std::int16_t>(clamp(steps + args.grid_zero, 0, args.grid_max));
}

[[maybe_unused]] inline AffineCode affine_code_at(const AffineCodes& codes, int i) noexcept {
  return {codes.multiplier[i], codes.power[i], codes.zero[i], codes.step[i]};
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
      const std::int16_t value =
          args.kind == EncodeKind::table ? table_value(src[c], args.table) : affine_value(src[c], code, args);
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

[[maybe_unused]] inline void nearest_groups_by_law(const GroupArgs& args) noexcept {
  for (int c = 0; c < args.columns; ++c) {
    args.group[c] = static_cast<std::int16_t>(
        nearest_group(args.lowest[c], args.highest[c], args.group_lowest, args.group_highest, args.groups));
  }
}

}  // namespace
}  // namespace intvit::kernels
