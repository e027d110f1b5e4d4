// The law: what every other version of the resize must equal to the bit.
#include "kernels/resize/resize_law.h"

namespace intvit::kernels {
namespace {

void resize_row(const ResizeRowArgs& args) noexcept {
  for (int x = 0; x < args.dst_width; ++x) {
    const std::uint8_t* src = args.src + static_cast<std::ptrdiff_t>(args.axis.first[x]) * args.channels;
    const std::int32_t* weights = args.axis.weights + static_cast<std::ptrdiff_t>(x) * args.axis.taps_stride;
    std::uint8_t* dst = args.dst + static_cast<std::ptrdiff_t>(x) * args.channels;
    for (int c = 0; c < args.channels; ++c) {
      std::int32_t sum = kResizeHalf;
      for (int t = 0; t < args.axis.taps[x]; ++t) sum += src[t * args.channels + c] * weights[t];
      dst[c] = clamp_to_sample(sum);
    }
  }
}

void resize_column(const ResizeColumnArgs& args) noexcept { resize_column_samples(args, 0, args.samples); }

}  // namespace

extern const ResizeKernels resize_kernels_scalar;
const ResizeKernels resize_kernels_scalar = {resize_row, resize_column};

}  // namespace intvit::kernels
