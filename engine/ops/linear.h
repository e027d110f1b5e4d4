// src codes x weights -> dst (kernels/gemm/linear.h). A src with several rows per dst row (the two class tokens of a
// distilled DeiT) is read as one long row. residual: dst is the residual stream itself. codes and activation: codes or
// values; with init a constant of the row is added before the clamp. With two planes every src row holds its low bytes
// in its first half and its high bytes in its second.
#pragma once

#include "engine/ops/coarse_steps.h"
#include "engine/ops/linear_constants.h"
#include "engine/ops/operation.h"

namespace intvit {

struct LinearOp final : OperationOf<LinearOp> {
  static constexpr std::uint32_t kKind = 3;
  static constexpr std::string_view kName = "linear";

  BufferId src = kNone;
  BufferId dst = kNone;
  kernels::Epilogue kind = kernels::Epilogue::codes;  // codes, activation, residual or logits
  LinearConstants linear;
  ConstantId activation = kNone;  // s16 [2][64]: base, slope (kernels/activation/gated_activation.h)
  std::uint32_t activation_segment_bits = 0;
  std::uint32_t activation_multiplier = 0;  // 0..32767
  std::uint32_t activation_zero_point = 0;  // 0..255
  std::uint32_t planes = 1;                 // of src, 1 or 2
  std::uint32_t max_code = 255;             // 1..255
  CoarseSteps coarse_steps;                 // residual only
  ConstantId init = kNone;                  // codes only: s16 [rows of dst][stride of dst], or none
  BufferId aside = kNone;                   // s16 [rows of src][1 + 2 K], what src has lost (ops/encode.h), or none

  void for_each_field(FieldVisitor& v) override {
    v(src), v(dst), v(kind), linear.visit(v);
    v(activation), v(activation_segment_bits), v(activation_multiplier), v(activation_zero_point);
    v(planes), v(max_code), coarse_steps.visit(v), v(init), v(aside);
  }
  std::vector<Operand> operands() const override {
    const Access to = kind == kernels::Epilogue::residual ? Access::update : Access::write;
    std::vector<Operand> all = {{"src", src, Access::read}, {"dst", dst, to, {max_code, 1}}};
    if (aside != kNone) all.push_back({"aside", aside, Access::read});
    return all;
  }
  void check(Checker& c) const override;
  std::uint64_t macs(const Tensors& tensors) const override;
  std::uint32_t op_set() const override { return linear.op_set(); }
  const LinearConstants* weights() const override { return &linear; }
  std::uint32_t row_local_rows(const Tensors& tensors) const override {
    return tensors.rows_of(src) == tensors.rows_of(dst) ? tensors.rows_of(dst) : 0;
  }
  std::size_t scratch_bytes(const Tensors& tensors) const override;
  std::string describe(const Tensors& tensors) const override;
  void execute(const Execution& e) const override;

 private:
  void check_aside_sums(Checker& c) const;
  std::size_t product_scratch_bytes(const Tensors& tensors) const;
  void add_init(const Execution& e, kernels::LinearArgs args, Range rows) const;
};

}  // namespace intvit
