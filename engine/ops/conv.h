// Convolution of a grid of cells (kernels/gemm/linear.h): row prefix + i of dst is the cells below the kernel at place
// i, row by row, times the weights, plus init. The first `prefix` rows are init's. Patch embedding is the case of a
// kernel that moves by its own size over the picture.
//
// The cells are rows of src, height * width of them, or the pixels of the picture. Weights are ordered (y, x, channel);
// all cells of a picture's patch stand next to one another, every other cell takes the stride of its row.
#pragma once

#include "engine/ops/coarse_steps.h"
#include "engine/ops/linear_constants.h"
#include "engine/ops/operation.h"

namespace intvit {

struct ConvOp final : OperationOf<ConvOp> {
  static constexpr std::uint32_t kKind = 1;
  static constexpr std::string_view kName = "conv";

  BufferId src = kNone;      // the picture, rows H, columns W * 3; or u8 codes [height * width][C] in one plane
  BufferId dst = kNone;      // s16 values or u8 codes [T][N]
  std::uint32_t kernel = 0;  // 1..128 cells: its height, and its width if kernel_width is 0
  std::uint32_t prefix = 0;
  ConstantId init = kNone;  // s16 [T][stride of dst]; none: zeros, and no prefix
  LinearConstants linear;
  CoarseSteps coarse_steps;  // only with init, and s16
  std::uint32_t kernel_width = 0;
  std::uint32_t stride = 0;             // cells from place to place; 0: the kernel's size, in both directions
  std::uint32_t height = 0, width = 0;  // of src in cells; 0: the picture's pixels
  std::uint32_t pad_top = 0, pad_left = 0, pad_bottom = 0, pad_right = 0;  // cells around src, less than the kernel's
  ConstantId pad_cell = kNone;                                             // u8 [C]: what they hold
  std::uint32_t max_code = 255;                                            // 1..255, codes only

  void for_each_field(FieldVisitor& v) override {
    v(src), v(dst), v(kernel), v(prefix), v(init), linear.visit(v), coarse_steps.visit(v);
    v(kernel_width), v(stride), v(height), v(width), v(pad_top), v(pad_left), v(pad_bottom), v(pad_right);
    v(pad_cell), v(max_code);
  }
  std::vector<Operand> operands() const override {
    return {{"src", src, Access::read}, {"dst", dst, Access::write, {max_code, 1}}};
  }
  void check(Checker& c) const override;
  std::uint64_t macs(const Tensors& tensors) const override;
  std::uint32_t op_set() const override { return linear.op_set(); }
  const LinearConstants* weights() const override { return &linear; }
  // Of the picture, which is there before all steps.
  std::uint32_t row_local_rows(const Tensors& tensors) const override {
    return of_picture() ? tensors.rows_of(dst) : 0;
  }
  std::size_t scratch_bytes(const Tensors& tensors) const override;
  std::string describe(const Tensors& tensors) const override;
  void execute(const Execution& e) const override;

  bool of_picture() const { return height == 0; }
  // Of the places that the kernel has.
  struct Grid {
    std::uint32_t height, width;
  };
  Grid grid(const Tensors& tensors) const;

 private:
  struct Geometry;
  Geometry geometry(const Tensors& tensors) const;
  void check_geometry(Checker& c) const;
  void gather_cells(const Execution& e, const Geometry& g, std::int64_t first, std::int64_t count,
                    std::uint8_t* patches) const;
  void gather_padded(const Execution& e, const Geometry& g, std::int64_t top, std::int64_t left,
                     std::uint8_t* out) const;
};

}  // namespace intvit
