// encode.h's even codes for whole vectors, and the extremes of a row.
#pragma once

#include "kernels/encode/encode_law.h"
#include "kernels/encode/for_each_vector.h"
#include "kernels/encode/grid_simd.h"

namespace intvit::kernels {
namespace {

// An AffineCode for every element. With lowest = -zero and highest = max_code - zero the law's code - zero is one
// clamp: clamp(scaled + zero, 0, max_code) - zero = clamp(scaled, lowest, highest).
template <typename Simd>
struct AffineVectors {
  typename Simd::I16 multiplier, power, lowest, highest, step;
};

template <typename Simd>
AffineVectors<Simd> same_code(const AffineCode& code, int max_code) {
  return {Simd::set16(code.multiplier), Simd::set16(code.power), Simd::set16(-code.zero),
          Simd::set16(max_code - code.zero), Simd::set16(code.step)};
}

template <typename Simd>
AffineVectors<Simd> codes_from(const AffineCodes& codes, int c, typename Simd::I16 max_code) {
  const auto zero = Simd::load16(codes.zero + c);
  return {Simd::load16(codes.multiplier + c), Simd::load16(codes.power + c), -zero, max_code - zero,
          Simd::load16(codes.step + c)};
}

// What a call's AffineCodes have in common.
template <typename Simd>
struct AffineGrid : GridVectors<Simd> {
  using I16 = typename Simd::I16;
  int step_shift;

  explicit AffineGrid(const EncodeArgs& args) : GridVectors<Simd>(args), step_shift(args.step_shift) {}

  // Saturation at 16 bits cannot be seen: the clamp is narrower.
  I16 values(I16 x, const AffineVectors<Simd>& code) const {
    const I16 scaled = Simd::multiply_q15(Simd::multiply_q15(x, code.multiplier), code.power);
    const I16 number = min(max(scaled, code.lowest), code.highest);
    const I16 coded = Simd::multiply_q15(number << step_shift, code.step);
    return this->clamped(select(this->outliers(x), this->steps(x), coded));
  }
};

template <typename Simd>
void store_values(std::uint8_t* dst, std::ptrdiff_t plane_stride, typename Simd::I16 values) {
  Simd::store_low_bytes(dst, values);
  if (plane_stride != 0) Simd::store_high_bytes(dst + plane_stride, values);
}

template <typename Simd>
AffineCode affine_code_of_row_simd(const std::int16_t* src, const AffineGrid<Simd>& grid, const EncodeArgs& args) {
  typename Simd::I16 lowest(0), highest(0);
  for_each_vector<Simd>(args.columns, [&](int c) {
    const auto x = Simd::load16(src + c);
    const auto kept = select(grid.outliers(x), typename Simd::I16(0), x);
    lowest = min(lowest, kept);
    highest = max(highest, kept);
  });
  return affine_code_for_range(Simd::reduce_min16(lowest), Simd::reduce_max16(highest), args.max_code, args.step_shift,
                               args.fine_bits);
}

template <typename Simd>
void encode_row(const std::int16_t* src, std::uint8_t* dst, const AffineCode& code, const AffineGrid<Simd>& grid,
                const EncodeArgs& args) {
  const AffineVectors<Simd> vectors = same_code<Simd>(code, args.max_code);
  const std::ptrdiff_t plane_stride = args.plane_stride;
  for_each_vector<Simd>(args.columns, [&](int c) {
    store_values<Simd>(dst + c, plane_stride, grid.values(Simd::load16(src + c), vectors));
  });
}

// Every column has its own code: a few rows share what is loaded of it.
template <typename Simd>
void encode_by_columns(const EncodeArgs& args, const AffineGrid<Simd>& grid) {
  constexpr int kRows = 8;
  const auto max_code = Simd::set16(args.max_code);
  const AffineCodes codes = args.codes;
  const std::ptrdiff_t plane_stride = args.plane_stride;
  for (int first = 0; first < args.rows; first += kRows) {
    const int rows = args.rows - first < kRows ? args.rows - first : kRows;
    for_each_vector<Simd>(args.columns, [&](int c) {
      const AffineVectors<Simd> code = codes_from<Simd>(codes, c, max_code);
      const std::int16_t* src = args.src + first * args.src_stride + c;
      std::uint8_t* dst = args.dst + first * args.dst_stride + c;
      for (int r = 0; r < rows; ++r, src += args.src_stride, dst += args.dst_stride) {
        store_values<Simd>(dst, plane_stride, grid.values(Simd::load16(src), code));
      }
    });
  }
}

// The codes of a few rows before the first is used: from a row to its code is a chain of slow steps, and those of
// several rows can be under way at once.
template <typename Simd>
void encode_dynamic_rows(const EncodeArgs& args, const AffineGrid<Simd>& grid) {
  constexpr int kRows = 8;
  AffineCode codes[kRows];
  for (int first = 0; first < args.rows; first += kRows) {
    const int rows = args.rows - first < kRows ? args.rows - first : kRows;
    const std::int16_t* src = args.src + first * args.src_stride;
    std::uint8_t* dst = args.dst + first * args.dst_stride;
    for (int r = 0; r < rows; ++r) codes[r] = affine_code_of_row_simd(src + r * args.src_stride, grid, args);
    for (int r = 0; r < rows; ++r) {
      encode_row(src + r * args.src_stride, dst + r * args.dst_stride, codes[r], grid, args);
    }
  }
}

template <typename Simd>
void encode_uniform(const EncodeArgs& args, const AffineGrid<Simd>& grid) {
  const std::ptrdiff_t plane_stride = args.plane_stride;
  for (int r = 0; r < args.rows; ++r) {
    const std::int16_t* src = args.src + r * args.src_stride;
    std::uint8_t* dst = args.dst + r * args.dst_stride;
    for_each_vector<Simd>(args.columns, [&](int c) {
      store_values<Simd>(dst + c, plane_stride, grid.clamped(grid.steps(Simd::load16(src + c))));
    });
  }
}

template <typename Simd>
void encode_affine(const EncodeArgs& args) {
  const AffineGrid<Simd> grid(args);
  if (args.kind == EncodeKind::uniform) return encode_uniform(args, grid);
  if (args.kind == EncodeKind::columns) return encode_by_columns(args, grid);
  if (args.kind == EncodeKind::dynamic_rows) return encode_dynamic_rows(args, grid);
  for (int r = 0; r < args.rows; ++r) {
    encode_row(args.src + r * args.src_stride, args.dst + r * args.dst_stride, affine_code_at(args.codes, r), grid,
               args);
  }
}

}  // namespace
}  // namespace intvit::kernels
