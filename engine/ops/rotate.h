// src values (s16) of heads side by side -> codes, each head in its own scheme, with pairs of columns turned by the
// angle of their row (kernels/rotate/rotate.h): queries or keys under rotary positions.
#pragma once

#include "engine/ops/operation.h"

namespace intvit {

struct RotateOp final : OperationOf<RotateOp> {
  static constexpr std::uint32_t kKind = 9;
  static constexpr std::string_view kName = "rotate";

  BufferId src = kNone;
  BufferId dst = kNone;
  std::uint32_t heads = 0;
  std::uint32_t first_row = 0;   // rows in front of it are not turned
  ConstantId angles = kNone;     // s16 [rows - first_row][D]: cosines of D / 2 pairs, then sines, at least -32767
  ConstantId codes = kNone;      // s32 [heads][2]: bias, at most 2^30 in magnitude; shift, 0..31
  std::uint32_t max_code = 255;  // 1..255

  void for_each_field(FieldVisitor& v) override {
    v(src), v(dst), v(heads), v(first_row), v(angles), v(codes), v(max_code);
  }
  std::vector<Operand> operands() const override {
    return {{"src", src, Access::read}, {"dst", dst, Access::write, {max_code, 1}}};
  }
  void check(Checker& c) const override;
  std::uint32_t row_local_rows(const Tensors& tensors) const override { return tensors.rows_of(dst); }
  std::string describe(const Tensors& tensors) const override;
  void execute(const Execution& e) const override;
};

}  // namespace intvit
