// The law for layer_norm.h.
#include "kernels/layer_norm/layer_norm_law.h"

namespace intvit::kernels {
namespace {

template <typename T>
void layer_norm_rows(const LayerNormArgs& args) noexcept {
  for (int r = 0; r < args.rows; ++r) {
    const std::int16_t* src = args.src + r * args.src_stride;
    T* dst = static_cast<T*>(args.dst) + r * args.dst_stride;
    std::int64_t sum = 0;
    std::uint64_t sum_of_squares = 0;
    for (int c = 0; c < args.channels; ++c) {
      sum += src[c];
      sum_of_squares += static_cast<std::uint64_t>(std::int64_t{src[c]} * src[c]);
    }
    const RowNormalization row = normalize_row(args.centred ? sum : 0, sum_of_squares, args.channels, args.epsilon);
    layer_norm_elements(src, dst, row, args, 0);
  }
}

void run(const LayerNormArgs& args) noexcept {
  if (args.values) {
    layer_norm_rows<std::int16_t>(args);
  } else {
    layer_norm_rows<std::uint8_t>(args);
  }
}

}  // namespace

extern const LayerNormKernels layer_norm_kernels_scalar;
const LayerNormKernels layer_norm_kernels_scalar = {run};

}  // namespace intvit::kernels
