// The law for a row of softmax.h.
#pragma once

#include "kernels/softmax/softmax_table.h"

namespace intvit::kernels {
namespace {

inline SoftmaxSums exponential_row_scalar(const SoftmaxArgs& args, std::int32_t max) noexcept {
  std::uint32_t sum = 0;
  for (int j = 0; j < args.columns; ++j) {
    args.dst[j] = softmax_code(max, args.scores[j], args.scale);
    sum += args.dst[j];
  }
  for (int j = args.columns; j < args.padded_columns; ++j) args.dst[j] = 0;
  return {sum, sum};
}

inline SoftmaxSums table_row_scalar(const SoftmaxArgs& args, std::int32_t max) noexcept {
  const auto t = [&](int j) { return softmax_distance(max, args.scores[j], args.scale); };
  SoftmaxRow row{0, 0};
  if (args.kind == SoftmaxKind::absolute) {
    std::uint32_t sum = 0;
    for (int j = 0; j < args.columns; ++j) sum += softmax_share(t(j));
    row = absolute_row(args.table, sum);
  }
  const bool wide = args.plane_stride != 0;
  std::uint32_t sum = 0;
  for (int j = 0; j < args.padded_columns; ++j) {
    std::int16_t value = 0;
    if (j < args.columns) {
      value = table_value(args.table.values[table_level(args.table, table_distance(t(j), row.base))], wide);
    }
    args.dst[j] = static_cast<std::uint8_t>(value & 0xff);
    if (wide) args.dst[args.plane_stride + j] = static_cast<std::uint8_t>(value >> 8);
    sum += static_cast<std::uint32_t>(value);
  }
  if (row.divisor == 0) row.divisor = sum > 0 ? sum : 1;
  return {sum, row.divisor};
}

inline SoftmaxSums softmax_row_scalar(const SoftmaxArgs& args) noexcept {
  std::int32_t max = args.scores[0];
  for (int j = 1; j < args.columns; ++j) max = args.scores[j] > max ? args.scores[j] : max;
  return args.kind == SoftmaxKind::exponential ? exponential_row_scalar(args, max) : table_row_scalar(args, max);
}

}  // namespace
}  // namespace intvit::kernels
