// An operation is a pair of files and a line: the engine, built once more with one that only this test has, reads,
// checks, plans, schedules and runs it.
#include <doctest/doctest.h>

#include <cstring>
#include <string>
#include <vector>

#include "engine/format/writer.h"
#include "engine/ops/registry.h"
#include "engine/program/cost.h"
#include "engine/program/memory_plan.h"
#include "engine/program/stages.h"
#include "intvit/session.h"
#include "tests/engine/tiny_program.h"
#include "tests/engine/toy_op.h"

namespace intvit::test {
namespace {

using Logits = std::vector<std::int32_t>;

TinyOptions options_of_toy() {
  TinyOptions options;
  options.edge = 32;  // 65 tokens, so that threads have rows to share
  options.blocks = 2;
  return options;
}

TinyProgram with_negations(int count) {
  TinyProgram tiny = make_tiny_program(options_of_toy());
  negate_codes(tiny, "blocks.0.norm1", "blocks.0.attn.qkv", count);
  return tiny;
}

Result<std::shared_ptr<const Model>> load(const TinyProgram& tiny) {
  return Model::from_memory(encode_model(tiny.program, {}), "toy");
}

Logits run(const TinyProgram& tiny, int threads, Isa isa) {
  const auto model = load(tiny);
  INFO(model.status().message());
  REQUIRE(model.ok());
  const auto session = Session::create(model.value(), {threads, 1, isa, false});
  REQUIRE(session.ok());
  const std::vector<std::uint8_t> picture = tiny_picture(options_of_toy(), 1);
  std::memcpy(session.value()->picture(0), picture.data(), picture.size());
  for (int i = 0; i < 3; ++i) session.value()->run();
  const auto logits = session.value()->logits(0);
  return {logits.begin(), logits.end()};
}

NegateOp& negation(TinyProgram& tiny) {
  for (Step& step : tiny.program.steps) {
    if (auto* negate = step.op.as<NegateOp>()) return *negate;
  }
  FAIL("there is none");
  std::abort();
}

TEST_CASE("toy operation: negated twice, codes are what they were, on every instruction set and on threads") {
  const Logits plain = run(with_negations(0), 1, Isa::scalar), once = run(with_negations(1), 1, Isa::scalar);
  CHECK(once != plain);
  for (const Isa isa : available_isas()) {
    for (const int threads : {1, 2, 3}) {
      CHECK(run(with_negations(1), threads, isa) == once);
      CHECK(run(with_negations(2), threads, isa) == plain);
    }
  }
}

TEST_CASE("toy operation: survives the round trip to the byte") {
  TinyProgram tiny = with_negations(1);
  const auto model = load(tiny);
  REQUIRE(model.ok());
  const Program& program = model.value()->program();
  CHECK(encode_model(program, {}) == encode_model(tiny.program, {}));
  bool found = false;
  for (const Step& step : program.steps) {
    const auto* negate = step.op.as<NegateOp>();
    if (negate == nullptr) continue;
    found = true;
    CHECK(negate->src == negation(tiny).src);
    CHECK(negate->dst == negation(tiny).dst);
    CHECK(step.op->name() == "negate");
    CHECK(step.op->describe(program) == "256 codes");
    CHECK(op_cost(step.op, program).bytes == 2 * program.buffers[negate->src].bytes());
  }
  CHECK(found);
  CHECK(program_macs(program) == program_macs(with_negations(0).program));
}

// Its rows stay with the thread that has made them, and its buffers where nothing else of the chain lies.
TEST_CASE("toy operation: joins a chain of row-local operations") {
  TinyProgram tiny = with_negations(1);
  const Program& program = tiny.program;
  CHECK(make_stages(program).size() == make_stages(with_negations(0).program).size());
  const std::vector<Lifetime> alive = lifetimes(program);
  const Lifetime &src = alive[negation(tiny).src], &dst = alive[negation(tiny).dst];
  CHECK(src.last >= dst.first);
  const Buffer &a = program.buffers[negation(tiny).src], &b = program.buffers[negation(tiny).dst];
  CHECK((a.offset + a.bytes() <= b.offset || b.offset + b.bytes() <= a.offset));
}

TEST_CASE("toy operation: its checks are asked, and those that follow from its operands") {
  const auto refuses = [](const std::string& reason, const auto& change) {
    TinyProgram tiny = with_negations(1);
    change(tiny, negation(tiny));
    const auto model = load(tiny);
    REQUIRE(!model.ok());
    CHECK_MESSAGE(model.status().message().find(reason) != std::string::npos, model.status().message());
  };
  refuses("(negate 'blocks.0.norm1.negate'): src has codes above 100",
          [](TinyProgram&, NegateOp& op) { op.highest = 100; });
  refuses("src is buffer 4294967295", [](TinyProgram&, NegateOp& op) { op.src = kNone; });
  refuses("reads a buffer that nothing has written", [](TinyProgram& tiny, NegateOp& op) {
    tiny.program.buffers.push_back(tiny.program.buffers[op.dst]);
    op.dst = static_cast<BufferId>(tiny.program.buffers.size() - 1);
    plan_memory(tiny.program);
  });
}

TEST_CASE("toy operation: is registered beside the engine's") {
  CHECK(make_operation(NegateOp::kKind) != nullptr);
  CHECK(operation_kinds().size() == 10);
}

}  // namespace
}  // namespace intvit::test
