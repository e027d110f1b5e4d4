// An operation that the engine does not have: codes -> highest - code. So a test can add one as anybody would
// (toy_operation_test.cc), and another one see that the engine refuses what it does not know.
#pragma once

#include "engine/ops/operation.h"
#include "tests/engine/tiny_program.h"

namespace intvit::test {

struct NegateOp final : OperationOf<NegateOp> {
  static constexpr std::uint32_t kKind = 1000;
  static constexpr std::string_view kName = "negate";

  BufferId src = kNone;
  BufferId dst = kNone;
  std::uint32_t highest = 255;  // no code of src is higher

  void for_each_field(FieldVisitor& v) override { v(src), v(dst), v(highest); }
  std::vector<Operand> operands() const override {
    return {{"src", src, Access::read}, {"dst", dst, Access::write, {highest, 1}}};
  }
  void check(Checker& c) const override;
  std::uint32_t row_local_rows(const Tensors& tensors) const override { return tensors.rows_of(dst); }
  std::string describe(const Tensors& tensors) const override;
  void execute(const Execution& e) const override;
};

// Adds `count` such operations between a layer that makes codes and the linear that reads them.
void negate_codes(TinyProgram& tiny, const std::string& producer, const std::string& reader, int count);

}  // namespace intvit::test
