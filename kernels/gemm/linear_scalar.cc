// The law for linear.h: plain loops, one element at a time.
#include "kernels/activation/gated_activation_law.h"
#include "kernels/arithmetic/arithmetic.h"
#include "kernels/gemm/linear.h"
#include "kernels/gemm/linear_law.h"

namespace intvit::kernels {
namespace {

// Group by group, as the weights lie (kernels/gemm/tiles.h).
std::int32_t dot8(const std::uint8_t* row, const LinearWeights& weights, int column) noexcept {
  const std::uint8_t* group = weights.tiles + tile_offset(column, 0, weights.k);
  std::int32_t sum = 0;
  for (int k = 0; k < weights.k; k += kGroupDepth, group += kGroupBytes) {
    for (int i = 0; i < kGroupDepth; ++i) sum = wrapping_add(sum, row[k + i] * static_cast<std::int8_t>(group[i]));
  }
  return sum;
}

std::int32_t dot4(const std::uint8_t* row, const LinearWeights& weights, int column) noexcept {
  const std::uint8_t* groups =
      weights.tiles + plane_position(column, 0, 4, tile_bytes(kPanelColumns, weights.k, 4)).byte;
  const int zero_point = weights.zero_points[column];
  std::int32_t sum = 0;
  for (int k = 0; k < weights.k; k += 2 * kGroupDepth, groups += kGroupBytes) {
    for (int i = 0; i < kGroupDepth; ++i) {
      sum = wrapping_add(sum, row[k + i] * ((groups[i] & 15) - zero_point) +
                                  row[k + kGroupDepth + i] * ((groups[i] >> 4) - zero_point));
    }
  }
  return wrapping_shift_left(sum, kNibbleShift);
}

// 3 or 2 bits, number by number.
std::int32_t dot_packed(const std::uint8_t* row, const LinearWeights& weights, int column) noexcept {
  const int zero_point = weights.zero_points[column];
  std::int32_t sum = 0;
  for (int k = 0; k < weights.k; ++k) {
    const int number = stored_number(weights.tiles, weights.bits, column, k, weights.k);
    sum = wrapping_add(sum, row[k] * (number - zero_point));
  }
  return wrapping_shift_left(sum, kNibbleShift);
}

std::int32_t dot_plane(const std::uint8_t* row, const LinearWeights& weights, int column) noexcept {
  return weights.bits == 8   ? dot8(row, weights, column)
         : weights.bits == 4 ? dot4(row, weights, column)
                             : dot_packed(row, weights, column);
}

// Modulo 2^32, the sum of (low + 256 * high) * w.
std::int32_t dot(const LinearArgs& args, int row, int column) noexcept {
  const std::uint8_t* low = args.src + row * args.src_stride;
  const std::int32_t sum = dot_plane(low, args.weights, column);
  if (args.plane_stride == 0) return sum;
  return wrapping_add(wrapping_shift_left(dot_plane(low + args.plane_stride, args.weights, column), 8), sum);
}

std::int32_t weight(const LinearWeights& weights, int column, int k) noexcept {
  if (weights.bits == 8) return static_cast<std::int8_t>(weights.tiles[tile_offset(column, k, weights.k)]);
  const int number = stored_number(weights.tiles, weights.bits, column, k, weights.k);
  return (number - weights.zero_points[column]) * (1 << kNibbleShift);
}

std::int32_t dot_aside(const LinearArgs& args, int row, int column) noexcept {
  const AsideLists& aside = args.aside;
  if (aside.lists == nullptr) return 0;
  const std::int16_t* list = aside.lists + row * aside.stride;
  const int count = aside_count(list, aside.most);
  std::int32_t sum = 0;
  for (int i = 0; i < count; ++i) {
    const int k = static_cast<std::uint16_t>(list[1 + i]);
    if (k < aside.columns) sum = wrapping_add(sum, list[1 + aside.most + i] * weight(args.weights, column, k));
  }
  return sum;
}

std::int16_t add_residual(const LinearArgs& args, int row, int column, std::int16_t x) noexcept {
  const std::int16_t sum = saturate_s16(args.residual[row * args.residual_stride + column] + x);
  if (args.coarse_power == nullptr) return sum;
  return to_grid(sum, args.coarse_power[column], args.coarse_unit[column], args.coarse_limit);
}

template <typename T>
T& dst_element(const LinearArgs& args, int row, int column) noexcept {
  return static_cast<T*>(args.dst)[row * args.dst_stride + column];
}

void finish(const LinearArgs& args, int row, int column, std::int32_t sum) noexcept {
  const Requantizer& rq = args.requantizer;
  const auto requantized = [&] { return requantize(sum, rq.bias[column], rq.shift[column], rq.multiplier[column]); };
  switch (args.epilogue) {
    case Epilogue::codes:
      dst_element<std::uint8_t>(args, row, column) = clamp_code(requantized(), args.max_code);
      return;
    case Epilogue::activation:
      dst_element<std::uint8_t>(args, row, column) =
          clamp_code(activate_value(requantized(), args.activation), args.max_code);
      return;
    case Epilogue::values:
      dst_element<std::int16_t>(args, row, column) = requantized();
      return;
    case Epilogue::activation_values:
      dst_element<std::int16_t>(args, row, column) = activate_value(requantized(), args.activation);
      return;
    case Epilogue::residual:
      dst_element<std::int16_t>(args, row, column) = add_residual(args, row, column, requantized());
      return;
    case Epilogue::logits:
      dst_element<std::int32_t>(args, row, column) =
          scale_logit(sum, rq.bias[column], args.logit_multiplier[column], args.logit_shift[column]);
      return;
    case Epilogue::accumulators:
      dst_element<std::int32_t>(args, row, column) = sum;
      return;
  }
}

void run(const LinearArgs& args) noexcept {
  for (int row = 0; row < args.rows; ++row) {
    for (int column = 0; column < padded_columns(args.weights.n); ++column) {
      finish(args, row, column, wrapping_add(dot(args, row, column), dot_aside(args, row, column)));
    }
  }
}

}  // namespace

extern const LinearKernels linear_kernels_scalar;
const LinearKernels linear_kernels_scalar = {run};

}  // namespace intvit::kernels
