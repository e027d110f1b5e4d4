// The epilogue that a multiplication asks for, and its rows in blocks where there are values aside.
#pragma once

#include "kernels/gemm/epilogue_simd.h"

namespace intvit::kernels {
namespace {

// Rows [first, first + rows) of a multiplication.
[[maybe_unused]] inline LinearArgs rows_of(const LinearArgs& args, int first, int rows) {
  const bool codes = args.epilogue == Epilogue::codes || args.epilogue == Epilogue::activation;
  const bool sums = args.epilogue == Epilogue::logits || args.epilogue == Epilogue::accumulators;
  const std::ptrdiff_t element = codes ? 1 : sums ? 4 : 2;
  LinearArgs some = args;
  some.src += first * args.src_stride;
  some.dst = static_cast<std::uint8_t*>(args.dst) + first * args.dst_stride * element;
  if (args.residual != nullptr) some.residual += first * args.residual_stride;
  if (args.aside.lists != nullptr) some.aside.lists += first * args.aside.stride;
  some.rows = rows;
  return some;
}

// Calls multiply(args, epilogue) with the epilogue that args asks for. left_out: 0 or bits_to_leave_out().
template <typename Simd, typename Multiply>
void with_epilogue(const LinearArgs& args, int left_out, AsideSums<Simd>* aside, Multiply&& multiply) {
  switch (args.epilogue) {
    case Epilogue::codes:
      return multiply(args, CodesEpilogue<Simd, NoActivation>{args, left_out, aside});
    case Epilogue::activation:
      return multiply(args, CodesEpilogue<Simd, Activation>{args, left_out, aside});
    case Epilogue::values:
      return multiply(args, ValuesEpilogue<Simd, NoActivation>{args, left_out, aside});
    case Epilogue::activation_values:
      return multiply(args, ValuesEpilogue<Simd, Activation>{args, left_out, aside});
    case Epilogue::residual:
      if (args.coarse_power != nullptr)
        return multiply(args, ResidualEpilogue<Simd, CoarseGrid>{args, left_out, aside});
      return multiply(args, ResidualEpilogue<Simd, NoGrid>{args, left_out, aside});
    case Epilogue::logits:
      return multiply(args, LogitsEpilogue<Simd>{args});
    case Epilogue::accumulators:
      return multiply(args, AccumulatorsEpilogue<Simd>{static_cast<std::int32_t*>(args.dst), args.dst_stride, nullptr});
  }
}

// The same for blocks of rows where there are values aside, of at most `rows`, a multiple of 4.
template <typename Simd, typename Multiply>
void with_epilogue_and_aside(const LinearArgs& args, int left_out, int rows, Multiply&& multiply) {
  if (args.aside.lists == nullptr || args.rows == 0) return with_epilogue<Simd>(args, left_out, nullptr, multiply);
  const int one = args.weights.bits == 4 && left_out == 0 ? 1 << kNibbleShift : 1;
  int blocks = (args.rows + rows - 1) / rows;
  for (int first = 0; first < args.rows; --blocks) {
    const int fours = (args.rows - first + 3) / 4, some = (fours + blocks - 1) / blocks * 4;
    const LinearArgs block = rows_of(args, first, some < args.rows - first ? some : args.rows - first);
    AsideSums<Simd> sums(block.aside, block.rows, one);
    with_epilogue<Simd>(block, left_out, sums.any() ? &sums : nullptr, multiply);
    first += block.rows;
  }
}

}  // namespace
}  // namespace intvit::kernels
