// The law: what every other version of the resize must equal to the bit.
#include "kernels/resize/resize.h"

namespace intvit::kernels {
namespace {

constexpr std::int32_t kHalf = 1 << (kResizePrecisionBits - 1);

std::uint8_t clamp_to_sample(std::int32_t sum) {
  const std::int32_t value = sum >> kResizePrecisionBits;
  return static_cast<std::uint8_t>(value < 0 ? 0 : value > 255 ? 255 : value);
}

void resize_row(const ResizeRowArgs& args) noexcept {
  for (int x = 0; x < args.dst_width; ++x) {
    const std::uint8_t* src = args.src + static_cast<std::ptrdiff_t>(args.axis.first[x]) * args.channels;
    const std::int32_t* weights = args.axis.weights + static_cast<std::ptrdiff_t>(x) * args.axis.taps_stride;
    std::uint8_t* dst = args.dst + static_cast<std::ptrdiff_t>(x) * args.channels;
    for (int c = 0; c < args.channels; ++c) {
      std::int32_t sum = kHalf;
      for (int t = 0; t < args.axis.taps[x]; ++t) sum += src[t * args.channels + c] * weights[t];
      dst[c] = clamp_to_sample(sum);
    }
  }
}

void resize_column(const ResizeColumnArgs& args) noexcept {
  for (int x = 0; x < args.samples; ++x) {
    std::int32_t sum = kHalf;
    for (int t = 0; t < args.taps; ++t) sum += args.rows[t][x] * args.weights[t];
    args.dst[x] = clamp_to_sample(sum);
  }
}

}  // namespace

extern const ResizeKernels resize_kernels_scalar;
const ResizeKernels resize_kernels_scalar = {resize_row, resize_column};

}  // namespace intvit::kernels
