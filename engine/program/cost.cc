#include "engine/program/cost.h"

#include "engine/ops/linear_constants.h"

namespace intvit {

OpCost op_cost(const Op& op, const Program& program, std::uint64_t pictures) {
  OpCost cost;
  cost.macs = op->macs(program) * pictures;
  for (const Operand& operand : op->operands()) {
    const Buffer& buffer = program.buffers[operand.buffer];
    if (operand.writes()) cost.rows = buffer.rows * pictures;
    cost.bytes += buffer.bytes() * pictures;
  }
  if (const LinearConstants* weights = op->weights()) {
    cost.bytes += program.constants[weights->tiles].bytes.size();
    cost.weight_bits = weights->bits;
  }
  return cost;
}

std::uint64_t program_macs(const Program& program) {
  std::uint64_t macs = 0;
  for (const Step& step : program.steps) macs += step.op->macs(program);
  return macs;
}

}  // namespace intvit
