// The law for linear.h: plain loops, one element at a time.
#include "kernels/gemm/linear.h"

namespace intvit::kernels {
namespace {

// Group by group, as the weights lie (kernels/gemm/tiles.h).
std::int32_t dot8(const std::uint8_t* row, const LinearWeights& weights, int column) noexcept {
  const std::uint8_t* group = weights.tiles + tile_offset(column, 0, weights.k);
  std::int32_t sum = 0;
  for (int k = 0; k < weights.k; k += kGroupDepth, group += kGroupBytes) {
    for (int i = 0; i < kGroupDepth; ++i) sum += row[k + i] * static_cast<std::int8_t>(group[i]);
  }
  return sum;
}

std::int32_t dot4(const std::uint8_t* row, const LinearWeights& weights, int column) noexcept {
  const std::uint8_t* groups = weights.tiles + nibble_position(column, 0, weights.k).byte;
  const int zero_point = weights.zero_points[column];
  std::int32_t sum = 0;
  for (int k = 0; k < weights.k; k += 2 * kGroupDepth, groups += kGroupBytes) {
    for (int i = 0; i < kGroupDepth; ++i) {
      sum += row[k + i] * ((groups[i] & 15) - zero_point) + row[k + kGroupDepth + i] * ((groups[i] >> 4) - zero_point);
    }
  }
  return sum * (1 << kNibbleShift);
}

std::int32_t dot(const std::uint8_t* row, const LinearWeights& weights, int column) noexcept {
  return weights.bits == 4 ? dot4(row, weights, column) : dot8(row, weights, column);
}

void finish(const LinearArgs& args, int row, int column, std::int32_t sum) noexcept {
  const Requantizer& rq = args.requantizer;
  const auto dst_index = row * args.dst_stride + column;
  if (args.epilogue == Epilogue::accumulators) {
    static_cast<std::int32_t*>(args.dst)[dst_index] = sum;
    return;
  }
  if (args.epilogue == Epilogue::logits) {
    static_cast<std::int32_t*>(args.dst)[dst_index] =
        scale_logit(sum, rq.bias[column], args.logit_multiplier[column], args.logit_shift[column]);
    return;
  }
  const std::int16_t x = requantize(sum, rq.bias[column], rq.shift[column], rq.multiplier[column]);
  if (args.epilogue == Epilogue::codes) {
    static_cast<std::uint8_t*>(args.dst)[dst_index] = saturate_u8(x);
  } else if (args.epilogue == Epilogue::activation) {
    static_cast<std::uint8_t*>(args.dst)[dst_index] = activate(x, args.activation);
  } else {
    static_cast<std::int16_t*>(args.dst)[dst_index] =
        saturate_s16(args.residual[row * args.residual_stride + column] + x);
  }
}

void run(const LinearArgs& args) noexcept {
  for (int row = 0; row < args.rows; ++row) {
    for (int column = 0; column < padded_columns(args.weights.n); ++column) {
      finish(args, row, column, dot(args.src + row * args.src_stride, args.weights, column));
    }
  }
}

}  // namespace

extern const LinearKernels linear_kernels_scalar;
const LinearKernels linear_kernels_scalar = {run};

}  // namespace intvit::kernels
