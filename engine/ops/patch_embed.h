// dst[t] = token_init[t] for the first `prefix` rows; the others add the patch embedding of one patch of the picture.
// The picture is u8 [H][W][3]; a patch's K = patch * patch * 3 pixels are ordered (y, x, channel).
#pragma once

#include "engine/ops/coarse_steps.h"
#include "engine/ops/linear_constants.h"
#include "engine/ops/operation.h"

namespace intvit {

struct PatchEmbedOp final : OperationOf<PatchEmbedOp> {
  static constexpr std::uint32_t kKind = 1;
  static constexpr std::string_view kName = "patch_embed";

  BufferId src = kNone;  // the picture: rows H, columns W * 3
  BufferId dst = kNone;  // s16 residual stream [T][C]
  std::uint32_t patch = 0;
  std::uint32_t prefix = 0;
  ConstantId token_init = kNone;  // s16 [T][stride of dst]
  LinearConstants linear;
  CoarseSteps coarse_steps;

  void for_each_field(FieldVisitor& v) override {
    v(src), v(dst), v(patch), v(prefix), v(token_init), linear.visit(v), coarse_steps.visit(v);
  }
  std::vector<Operand> operands() const override { return {{"src", src, Access::read}, {"dst", dst, Access::write}}; }
  void check(Checker& c) const override;
  std::uint64_t macs(const Tensors& tensors) const override;
  const LinearConstants* weights() const override { return &linear; }
  std::uint32_t row_local_rows(const Tensors& tensors) const override { return tensors.rows_of(dst); }
  std::size_t scratch_bytes(const Tensors& tensors) const override;
  std::string describe(const Tensors& tensors) const override;
  void execute(const Execution& e) const override;
};

}  // namespace intvit
