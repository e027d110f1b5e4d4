// What the scalar resize shares with vector kernels.
#pragma once

#include "kernels/resize/resize.h"

namespace intvit::kernels {
namespace {

inline constexpr std::int32_t kResizeHalf = 1 << (kResizePrecisionBits - 1);

constexpr std::uint8_t clamp_to_sample(std::int32_t sum) {
  const std::int32_t value = sum >> kResizePrecisionBits;
  return static_cast<std::uint8_t>(value < 0 ? 0 : value > 255 ? 255 : value);
}

// Samples first to last - 1 of a column pass.
[[maybe_unused]] inline void resize_column_samples(const ResizeColumnArgs& args, int first, int last) {
  for (int x = first; x < last; ++x) {
    std::int32_t sum = kResizeHalf;
    for (int t = 0; t < args.taps; ++t) sum += args.rows[t][x] * args.weights[t];
    args.dst[x] = clamp_to_sample(sum);
  }
}

}  // namespace
}  // namespace intvit::kernels
