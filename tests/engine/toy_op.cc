#include "tests/engine/toy_op.h"

#include <algorithm>

#include "engine/ops/checker.h"
#include "engine/ops/execution.h"
#include "engine/ops/linear.h"
#include "engine/program/memory_plan.h"

namespace intvit {

std::unique_ptr<Operation> make_negate() { return std::make_unique<test::NegateOp>(); }

namespace test {

void NegateOp::check(Checker& c) const {
  const Buffer* from = c.buffer(src, DataType::u8, "src");
  const Buffer* to = c.buffer(dst, DataType::u8, "dst");
  if (!c.ok()) return;
  c.require(from->rows == to->rows && from->columns == to->columns, "src and dst differ in shape");
  c.require(c.contents(src).highest_code <= highest, "src has codes above " + std::to_string(highest));
}

std::string NegateOp::describe(const Tensors&) const { return std::to_string(highest + 1) + " codes"; }

void NegateOp::execute(const Execution& e) const {
  const Range rows = e.share(e.buffer(dst).rows);
  for (std::int64_t r = rows.begin; r < rows.end; ++r) {
    const auto* from = e.row<std::uint8_t>(src, r);
    std::transform(from, from + e.buffer(src).columns, e.row<std::uint8_t>(dst, r),
                   [this](std::uint8_t code) { return static_cast<std::uint8_t>(highest - code); });
  }
}

void negate_codes(TinyProgram& tiny, const std::string& producer, const std::string& reader, int count) {
  Program& p = tiny.program;
  const auto layer = [&](const std::string& name) {
    return std::find_if(p.steps.begin(), p.steps.end(), [&](const Step& step) { return step.layer == name; });
  };
  for (int i = 0; i < count; ++i) {
    auto* linear = layer(reader)->op.as<LinearOp>();
    NegateOp negate;
    negate.src = linear->src;
    negate.dst = linear->src = static_cast<BufferId>(p.buffers.size());
    p.buffers.push_back(p.buffers[negate.src]);
    p.steps.insert(layer(reader), {producer + ".negate", negate});
  }
  plan_memory(p);
}

}  // namespace test
}  // namespace intvit
