// A constant for every result of a linear operation: added after requantization, before the clamp. Positions that are
// added to what a linear reads are such constants behind it.
#pragma once

#include "engine/ops/execution.h"
#include "engine/tensors/tensors.h"
#include "kernels/gemm/linear.h"

namespace intvit {

// Rows of codes are made so many at a time.
inline constexpr int kConstantRows = 56;

// What add_row_constants() needs to write into a buffer of n columns.
std::size_t row_constants_scratch_bytes(const Buffer& dst, std::uint32_t n);

// dst = saturate_s16(init + requantize(sum)), with coarse steps on their grid, or for codes clamped to 0..max_code.
// `args` has all but what follows from the epilogue: its rows (for codes at most kConstantRows), dst, dst_stride,
// max_code. `init` is the row of the first result, its rows `init_stride` apart. `values` is scratch, 64-byte aligned,
// not that of `args`.
void add_row_constants(const kernels::LinearKernels& kernels, kernels::LinearArgs args, DataType type,
                       const std::int16_t* init, std::ptrdiff_t init_stride, std::int16_t* values);

}  // namespace intvit
