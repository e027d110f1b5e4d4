// The law for rotate.h, row by row.
#pragma once

#include "kernels/arithmetic/arithmetic.h"
#include "kernels/rotate/rotate.h"

namespace intvit::kernels {
namespace {

[[maybe_unused]] inline std::int32_t rounded_q15(std::int32_t sum) noexcept { return (sum + (1 << 14)) >> 15; }

[[maybe_unused]] inline void rotate_by_law(const RotateArgs& args) noexcept {
  const int half = args.head_dim / 2;
  for (int r = 0; r < args.rows; ++r) {
    const std::ptrdiff_t cosine = std::ptrdiff_t{r} * args.head_dim, sine = cosine + half;
    for (int h = 0; h < args.heads; ++h) {
      const std::int16_t* x = args.src + r * args.src_stride + h * args.head_dim;
      std::uint8_t* dst = args.dst + r * args.dst_stride + h * args.head_dim;
      const auto code = [&](std::int32_t y) {
        return clamp_code((y + args.codes[2 * h]) >> args.codes[2 * h + 1], args.max_code);
      };
      for (int i = 0; i < half; ++i) {
        std::int32_t y1 = x[i], y2 = x[i + half];
        if (args.angles != nullptr) {
          const std::int32_t c = args.angles[cosine + i], s = args.angles[sine + i];
          y1 = rounded_q15(x[i] * c - x[i + half] * s);
          y2 = rounded_q15(x[i] * s + x[i + half] * c);
        }
        dst[i] = code(y1);
        dst[i + half] = code(y2);
      }
    }
  }
}

}  // namespace
}  // namespace intvit::kernels
