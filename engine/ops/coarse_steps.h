// Steps of a residual stream that has fewer than 16 bits, per column (kernels/gemm/linear.h, to_grid). None: 16 bits.
#pragma once

#include "engine/ops/checker.h"
#include "engine/ops/field_visitor.h"
#include "kernels/gemm/linear.h"

namespace intvit {

struct CoarseSteps {
  ConstantId power = kNone;  // s16 [padded n], >= 0
  ConstantId unit = kNone;   // s16 [padded n]
  std::uint32_t limit = 0;   // 0..32767

  bool any() const { return power != kNone; }
  void visit(FieldVisitor& v) { v(power), v(unit), v(limit); }
};

// Of a stream of n columns.
void check_coarse_steps(Checker& c, const CoarseSteps& coarse_steps, std::uint32_t n);

void set_coarse_steps(const CoarseSteps& coarse_steps, const Tensors& tensors, kernels::LinearArgs& args);

}  // namespace intvit
