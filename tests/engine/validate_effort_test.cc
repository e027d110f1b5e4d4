// Checking a program takes time in proportion to its file: constants are read a few times, not once a step.
#include <doctest/doctest.h>

#include <cstdint>

#include "engine/format/layout.h"
#include "engine/ops/linear.h"
#include "engine/program/memory_plan.h"
#include "engine/program/validate.h"
#include "tests/engine/refusals.h"

namespace intvit::test {
namespace {

std::uint64_t constant_bytes(const Program& program) {
  std::uint64_t bytes = 0;
  for (const Constant& constant : program.constants) bytes += constant.bytes.size();
  return bytes;
}

// Every step so many times; residual streams only get further.
Program repeated(const Program& original, int times) {
  Program program = original;
  program.steps.clear();
  for (const Step& step : original.steps)
    program.steps.insert(program.steps.end(), static_cast<std::size_t>(times), step);
  return program;
}

TEST_CASE("validate: constants are read as often for many steps as for one") {
  for (const auto& [name, options] : all_variants()) {
    const TinyProgram tiny = make_tiny_program(options);
    std::uint64_t once = 0, often = 0;
    REQUIRE(validate(tiny.program, &once).ok());
    const Status status = validate(repeated(tiny.program, 100), &often);
    CHECK_MESSAGE(status.ok(), name << ": " << status.message());
    CHECK_MESSAGE(once > 0, name);
    CHECK_MESSAGE(often == once, name);
    CHECK_MESSAGE(once <= 3 * constant_bytes(tiny.program), name);
  }
}

// As many steps and buffers as a file may have, all alive at the same time.
TEST_CASE("validate: the largest lists") {
  TinyProgram tiny = make_tiny_program({.edge = 16});
  Program& p = tiny.program;
  const LinearOp linear = op<LinearOp>(tiny, kQkv);
  const Step head = p.steps.back();
  const auto at = p.steps.begin() + 3;
  std::vector<Step> more;
  for (std::uint32_t i = 0; p.steps.size() + i < kMaxSteps; ++i) {
    LinearOp another = linear;
    if (p.buffers.size() < kMaxBuffers) p.buffers.push_back(p.buffers[linear.dst]);
    another.dst = static_cast<BufferId>(p.buffers.size() - 1 - i % 4000);
    more.push_back({"another", another});
  }
  p.steps.insert(at, more.begin(), more.end());
  CHECK(validate(p).ok());
  plan_memory(p);
  CHECK(p.arena_bytes > 3000 * p.buffers[linear.dst].bytes());
}

TEST_CASE("validate: weights have one shape") {
  refuses("are read in another shape than before",
          [](TinyProgram& t) { op<LinearOp>(t, kFc2).linear.tiles = op<LinearOp>(t, kQkv).linear.tiles; },
          {.hidden = 130});
}

}  // namespace
}  // namespace intvit::test
