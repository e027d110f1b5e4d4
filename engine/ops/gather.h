// Rows of src side by side -> rows of dst: dst row r is `join` rows of src, or of constants where an entry is -1. What
// merges patches, takes some of the rows, or doubles a map's edge.
#pragma once

#include "engine/ops/operation.h"

namespace intvit {

struct GatherOp final : OperationOf<GatherOp> {
  static constexpr std::uint32_t kKind = 8;
  static constexpr std::string_view kName = "gather";

  BufferId src = kNone;  // s16 values, or u8 codes in one plane
  BufferId dst = kNone;  // of the same type, join times as wide
  std::uint32_t join = 1;
  ConstantId map = kNone;  // s32 [rows of dst][join]: a row of src, or -1
  std::uint32_t pad = 0;   // of -1: an s16 or a code

  void for_each_field(FieldVisitor& v) override { v(src), v(dst), v(join), v(map), v(pad); }
  std::vector<Operand> operands() const override { return {{"src", src, Access::read}, {"dst", dst, Access::write}}; }
  void check(Checker& c) const override;
  std::string describe(const Tensors& tensors) const override;
  void execute(const Execution& e) const override;
};

}  // namespace intvit
