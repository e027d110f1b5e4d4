// Limits of rotate operations.
#include <doctest/doctest.h>

#include "engine/ops/rotate.h"
#include "engine/program/memory_plan.h"
#include "tests/engine/refusals.h"

namespace intvit::test {
namespace {

const TinyOptions kRotated = {.rotated = true};  // 5 rows, 16 columns, 2 heads

RotateOp& rotate(TinyProgram& t) { return op<RotateOp>(t, "blocks.0.attn.q_rope"); }

void refuses_rotate(const std::string& reason, const std::function<void(TinyProgram&, RotateOp&)>& change) {
  refuses(
      reason, [&](TinyProgram& t) { change(t, rotate(t)); }, kRotated);
}

TEST_CASE("validate: buffers of a rotate operation") {
  refuses_rotate("src is buffer 99", [](TinyProgram&, RotateOp& r) { r.src = 99; });
  refuses_rotate("dst is buffer 4294967295", [](TinyProgram&, RotateOp& r) { r.dst = kNone; });
  refuses_rotate("src is u8, must be s16", [](TinyProgram&, RotateOp& r) { r.src = r.dst; });
  refuses_rotate("dst is s16, must be u8", [](TinyProgram&, RotateOp& r) { r.dst = r.src; });
  refuses_rotate("differ in rows or columns", [](TinyProgram& t, RotateOp& r) {
    t.program.buffers[r.dst].columns = 15;
    plan_memory(t.program);
  });
  refuses_rotate("differ in rows or columns", [](TinyProgram& t, RotateOp& r) {
    t.program.buffers[r.dst].rows = 4;
    plan_memory(t.program);
  });
  refuses_rotate("max_code is 0", [](TinyProgram&, RotateOp& r) { r.max_code = 0; });
  refuses_rotate("max_code is 256", [](TinyProgram&, RotateOp& r) { r.max_code = 256; });
  refuses_rotate("0 heads of 16 columns", [](TinyProgram&, RotateOp& r) { r.heads = 0; });
  refuses_rotate("3 heads of 16 columns", [](TinyProgram&, RotateOp& r) { r.heads = 3; });
  refuses_rotate("16 heads of 16 columns", [](TinyProgram&, RotateOp& r) { r.heads = 16; });
  refuses_rotate("2147483648 heads", [](TinyProgram&, RotateOp& r) { r.heads = 1u << 31; });
  refuses_rotate("first_row is 6 of 5", [](TinyProgram&, RotateOp& r) { r.first_row = 6; });
}

TEST_CASE("validate: angles and codes of a rotate operation, so that no sum leaves 32 bits") {
  refuses_rotate("must be 40 x s16", [](TinyProgram&, RotateOp& r) { r.first_row = 0; });
  refuses_rotate("angles is constant", [](TinyProgram&, RotateOp& r) { r.angles = kNone; });
  refuses_rotate("outside [-32767, 32767]",
                 [](TinyProgram& t, RotateOp& r) { r.angles = with_entry<std::int16_t>(t, r.angles, 31, -32768); });
  refuses_rotate("must be 4 x s32",
                 [](TinyProgram& t, RotateOp& r) { r.codes = with_count<std::int32_t>(t, r.codes, 1); });
  const auto with_code = [](std::size_t entry, std::int32_t value) {
    return [=](TinyProgram& t) { rotate(t).codes = with_entry<std::int32_t>(t, rotate(t).codes, entry, value); };
  };
  for (const std::int32_t bias : {(1 << 30) + 1, -(1 << 30) - 1, INT32_MIN}) {
    refuses("bias over 2^30", with_code(2, bias), kRotated);
  }
  for (const std::int32_t shift : {-1, 32}) refuses("not 0 to 31", with_code(3, shift), kRotated);
  for (const std::int32_t bias : {1 << 30, -(1 << 30)}) accepts(with_code(2, bias), kRotated);
  for (const std::int32_t shift : {0, 31}) accepts(with_code(3, shift), kRotated);
}

}  // namespace
}  // namespace intvit::test
