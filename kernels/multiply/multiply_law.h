// The law for multiply.h, row by row.
#pragma once

#include "kernels/activation/gated_activation_law.h"
#include "kernels/arithmetic/arithmetic.h"
#include "kernels/multiply/multiply.h"

namespace intvit::kernels {
namespace {

[[maybe_unused]] inline std::int16_t multiply_value(std::int16_t gate, std::int16_t x,
                                                    const MultiplyArgs& args) noexcept {
  const std::int32_t product = static_cast<std::int32_t>(activate_value(gate, args.activation)) * x;
  return requantize(product, args.bias, args.shift, args.multiplier);
}

[[maybe_unused]] inline void multiply_by_law(const MultiplyArgs& args) noexcept {
  for (int r = 0; r < args.rows; ++r) {
    const std::int16_t* gate = args.src + r * args.src_stride;
    const std::int16_t* x = gate + args.columns;
    for (int c = 0; c < args.columns; ++c) {
      const std::int16_t value = multiply_value(gate[c], x[c], args);
      if (args.values) {
        static_cast<std::int16_t*>(args.dst)[r * args.dst_stride + c] = value;
      } else {
        static_cast<std::uint8_t*>(args.dst)[r * args.dst_stride + c] = clamp_code(value, args.max_code);
      }
    }
  }
}

}  // namespace
}  // namespace intvit::kernels
