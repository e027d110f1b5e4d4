// mean_rows: the average of some rows of the residual stream, element by element: floor(sum / rows + 1/2).
// Runs once a picture over T x C elements; the scalar version is the only one.
#pragma once

#include <cstddef>
#include <cstdint>

namespace intvit::kernels {

struct MeanRowsArgs {
  const std::int16_t* src;
  std::ptrdiff_t src_stride;  // elements
  int rows;                   // 1..65536, so that the sum fits 32 bits
  int columns;
  std::int16_t* dst;
};

struct MeanRowsKernels {
  void (*run)(const MeanRowsArgs&) noexcept;
};

}  // namespace intvit::kernels
