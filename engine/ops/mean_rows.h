// The first `copied_rows` rows of 16-bit values as they are, then the mean of rows [first_row, first_row + row_count).
#pragma once

#include "engine/ops/operation.h"

namespace intvit {

struct MeanRowsOp final : OperationOf<MeanRowsOp> {
  static constexpr std::uint32_t kKind = 5;
  static constexpr std::string_view kName = "mean_rows";

  BufferId src = kNone;
  BufferId dst = kNone;
  std::uint32_t first_row = 0;
  std::uint32_t row_count = 0;
  std::uint32_t copied_rows = 0;

  void for_each_field(FieldVisitor& v) override { v(src), v(dst), v(first_row), v(row_count), v(copied_rows); }
  std::vector<Operand> operands() const override { return {{"src", src, Access::read}, {"dst", dst, Access::write}}; }
  void check(Checker& c) const override;
  void execute(const Execution& e) const override;
};

}  // namespace intvit
