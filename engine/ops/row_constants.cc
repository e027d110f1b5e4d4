#include "engine/ops/row_constants.h"

#include <algorithm>

#include "engine/ops/scratch.h"

namespace intvit {

std::size_t row_constants_scratch_bytes(const Buffer& dst, std::uint32_t n) {
  if (dst.type == DataType::s16) return 0;
  const auto columns = static_cast<std::size_t>(kernels::padded_columns(static_cast<int>(n)));
  return align_scratch(std::size_t{kConstantRows} * columns * sizeof(std::int16_t));
}

void add_row_constants(const kernels::LinearKernels& kernels, kernels::LinearArgs args, DataType type,
                       const std::int16_t* init, std::ptrdiff_t init_stride, std::int16_t* values) {
  args.epilogue = kernels::Epilogue::residual;
  args.residual = init;
  args.residual_stride = init_stride;
  if (type == DataType::s16) return kernels.run(args);

  auto* codes = static_cast<std::uint8_t*>(args.dst);
  const std::ptrdiff_t code_stride = args.dst_stride;
  const int columns = args.weights.n;
  args.dst = values;
  args.dst_stride = kernels::padded_columns(columns);
  kernels.run(args);
  const auto most = static_cast<std::int16_t>(args.max_code);
  for (int r = 0; r < args.rows; ++r) {
    for (int c = 0; c < columns; ++c) {
      codes[r * code_stride + c] =
          static_cast<std::uint8_t>(std::clamp(values[r * args.dst_stride + c], std::int16_t{0}, most));
    }
  }
}

}  // namespace intvit
