#include "tests/engine/program_work.h"

#include "engine/ops/encode.h"
#include "engine/ops/linear_constants.h"
#include "engine/program/cost.h"

namespace intvit::test {
namespace {

std::uint64_t work_of(const Op& op, const Program& program) {
  const OpCost cost = op_cost(op, program);
  std::uint64_t work = cost.macs + cost.bytes;
  if (const LinearConstants* weights = op->weights()) work += cost.rows * weights->n * weights->k;
  if (const auto* encode = op.as<EncodeOp>(); encode != nullptr && encode->kind == kernels::EncodeKind::columns) {
    work += std::uint64_t{encode->groups} * program.buffers[encode->src].columns;
  }
  return work;
}

}  // namespace

bool is_small(const Program& program, std::uint64_t most_work, std::uint64_t most_bytes) {
  std::uint64_t work = 0;
  for (const Step& step : program.steps) {
    work += work_of(step.op, program);
    if (work > most_work) return false;
  }
  return program.arena_bytes + program.kept_bytes < most_bytes;
}

}  // namespace intvit::test
