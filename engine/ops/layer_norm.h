// Rows [first_row, first_row + rows of dst) of the residual stream -> codes or values
// (kernels/layer_norm/layer_norm.h), or values that are added to what dst holds.
#pragma once

#include "engine/ops/operation.h"

namespace intvit {

// Operations that make codes write to a u8 buffer, clamped to [0, max_code], or to an s16 buffer: then it is the value
// before the clamp, in finer units, for an encode operation.
struct LayerNormOp final : OperationOf<LayerNormOp> {
  static constexpr std::uint32_t kKind = 2;
  static constexpr std::string_view kName = "layer_norm";

  BufferId src = kNone;
  BufferId dst = kNone;
  std::uint32_t first_row = 0;
  ConstantId affine = kNone;  // s16 [C][2]
  std::uint32_t shift = 0;
  std::uint32_t beta_shift = 0;
  std::uint32_t epsilon_low = 0;
  std::uint32_t epsilon_high = 0;
  std::uint32_t max_code = 255;  // 1..255
  std::uint32_t groups = 1;      // parts of equal width of a row, each normed by itself, as heads are
  std::uint32_t centred = 1;     // 0: the mean is taken to be 0
  std::uint32_t add = 0;         // 1: dst is s16, and what it holds is added, saturating

  std::uint64_t epsilon() const { return std::uint64_t{epsilon_high} << 32 | epsilon_low; }

  void for_each_field(FieldVisitor& v) override {
    v(src), v(dst), v(first_row), v(affine), v(shift), v(beta_shift), v(epsilon_low), v(epsilon_high), v(max_code);
    v(groups), v(centred), v(add);
  }
  std::vector<Operand> operands() const override {
    return {{"src", src, Access::read}, {"dst", dst, add == 0 ? Access::write : Access::update, {max_code, 1}}};
  }
  void check(Checker& c) const override;
  std::uint32_t row_local_rows(const Tensors& tensors) const override {
    return tensors.rows_of(src) == tensors.rows_of(dst) ? tensors.rows_of(dst) : 0;
  }
  std::string describe(const Tensors& tensors) const override;
  void execute(const Execution& e) const override;
};

}  // namespace intvit
