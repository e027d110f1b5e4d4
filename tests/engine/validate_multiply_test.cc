// Limits of multiply operations.
#include <doctest/doctest.h>

#include "engine/ops/linear.h"
#include "engine/ops/multiply.h"
#include "engine/program/memory_plan.h"
#include "tests/engine/refusals.h"

namespace intvit::test {
namespace {

const TinyOptions kGated = {.gated = true};

MultiplyOp& multiply(TinyProgram& t) { return op<MultiplyOp>(t, "blocks.0.mlp.act"); }

void refuses_multiply(const std::string& reason, const std::function<void(TinyProgram&, MultiplyOp&)>& change) {
  refuses(
      reason, [&](TinyProgram& t) { change(t, multiply(t)); }, kGated);
}

TEST_CASE("validate: buffers of a multiply operation") {
  refuses_multiply("src is buffer 99", [](TinyProgram&, MultiplyOp& m) { m.src = 99; });
  refuses_multiply("dst is buffer 4294967295", [](TinyProgram&, MultiplyOp& m) { m.dst = kNone; });
  refuses_multiply("must be s16", [](TinyProgram&, MultiplyOp& m) { m.src = m.dst; });
  refuses_multiply("must have as many rows and twice the columns", [](TinyProgram&, MultiplyOp& m) { m.dst = m.src; });
  refuses_multiply("src is 5 x 80, dst 5 x 41", [](TinyProgram& t, MultiplyOp& m) {
    t.program.buffers[m.dst].columns = 41;
    plan_memory(t.program);
  });
  refuses_multiply("src is 4 x 80, dst 5 x 40", [](TinyProgram& t, MultiplyOp& m) {
    t.program.buffers[m.src].rows = 4;
    op<LinearOp>(t, kFc1).src = m.dst;  // so that the linear layer before is not what is refused
    t.program.steps.erase(t.program.steps.begin() + 6);
    plan_memory(t.program);
  });
  refuses_multiply("nothing has written", [](TinyProgram& t, MultiplyOp&) {
    t.program.steps.erase(t.program.steps.begin() + 6);
    REQUIRE(t.program.steps[6].layer == "blocks.0.mlp.act");
  });
  refuses_multiply("max_code", [](TinyProgram&, MultiplyOp& m) { m.max_code = 256; });
  refuses_multiply("max_code", [](TinyProgram&, MultiplyOp& m) { m.max_code = 0; });
}

TEST_CASE("validate: numbers of a multiply operation, so that no sum leaves 32 bits") {
  refuses_multiply("activation", [](TinyProgram&, MultiplyOp& m) { m.activation = kNone; });
  refuses_multiply("activation",
                   [](TinyProgram& t, MultiplyOp& m) { m.activation = with_count<std::int16_t>(t, m.activation, -1); });
  refuses_multiply("activation parameters", [](TinyProgram&, MultiplyOp& m) { m.activation_segment_bits = 10; });
  refuses_multiply("shift 32", [](TinyProgram&, MultiplyOp& m) { m.shift = 32; });
  refuses_multiply("multiplier 32768", [](TinyProgram&, MultiplyOp& m) { m.multiplier = 32768; });
  refuses_multiply("bias 1073741825", [](TinyProgram&, MultiplyOp& m) { m.bias = (1u << 30) + 1; });
  refuses_multiply("bias -1073741825", [](TinyProgram&, MultiplyOp& m) { m.bias = 0u - (1u << 30) - 1; });
  refuses_multiply("bias -2147483648", [](TinyProgram&, MultiplyOp& m) { m.bias = 1u << 31; });
  for (const std::uint32_t bias : {1u << 30, 0u - (1u << 30)}) {
    accepts(
        [&](TinyProgram& t) {
          multiply(t).bias = bias;
          multiply(t).shift = 31;
          multiply(t).multiplier = 32767;
          multiply(t).activation_segment_bits = 9;
          multiply(t).max_code = 1;
        },
        kGated);
  }
}

}  // namespace
}  // namespace intvit::test
