// src values (s16), in every row the gates of all columns and behind them their x -> act(gate) * x, codes or values
// (kernels/multiply/multiply.h): what a gated MLP makes of its first linear. Gate and x have units of their own.
#pragma once

#include "engine/ops/operation.h"

namespace intvit {

struct MultiplyOp final : OperationOf<MultiplyOp> {
  static constexpr std::uint32_t kKind = 7;
  static constexpr std::string_view kName = "multiply";

  BufferId src = kNone;
  BufferId dst = kNone;
  ConstantId activation = kNone;  // s16 [2][64]: base, slope (kernels/activation/gated_activation.h)
  std::uint32_t activation_segment_bits = 0;
  std::uint32_t bias = 0;        // s32, at most 2^30 in magnitude
  std::uint32_t shift = 0;       // 0..31
  std::uint32_t multiplier = 0;  // 0..32767
  std::uint32_t max_code = 255;  // 1..255

  void for_each_field(FieldVisitor& v) override {
    v(src), v(dst), v(activation), v(activation_segment_bits), v(bias), v(shift), v(multiplier), v(max_code);
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
