#include "engine/program/cost.h"

namespace intvit {
namespace {

struct Macs {
  const Program& program;

  std::uint64_t operator()(const PatchEmbedOp& op) const {
    const std::uint64_t patches = program.buffers[op.dst].rows - op.prefix;
    return patches * op.linear.n * op.patch * op.patch * 3;
  }
  // Where several rows are read as one, all of them are inputs.
  std::uint64_t operator()(const LinearOp& op) const {
    const Buffer& src = program.buffers[op.src];
    return std::uint64_t{src.rows} * src.columns * op.linear.n;
  }
  // Queries x keys and probabilities x values: T x T x D each, per head.
  std::uint64_t operator()(const AttentionOp& op) const {
    const std::uint64_t tokens = program.buffers[op.src].rows;
    return 2 * tokens * tokens * op.heads * op.head_dim;
  }
  std::uint64_t operator()(const LayerNormOp&) const { return 0; }
  std::uint64_t operator()(const MeanRowsOp&) const { return 0; }
  std::uint64_t operator()(const EncodeOp&) const { return 0; }
};

const LinearConstants* weights_of(const Op& op) {
  if (const auto* patch_embed = std::get_if<PatchEmbedOp>(&op)) return &patch_embed->linear;
  if (const auto* linear = std::get_if<LinearOp>(&op)) return &linear->linear;
  return nullptr;
}

}  // namespace

OpCost op_cost(const Op& op, const Program& program, std::uint64_t pictures) {
  OpCost cost;
  cost.macs = std::visit(Macs{program}, op) * pictures;
  std::visit(
      [&](const auto& any) {
        const Buffer &src = program.buffers[any.src], &dst = program.buffers[any.dst];
        cost.rows = dst.rows * pictures;
        cost.bytes = (src.bytes() + dst.bytes()) * pictures;
      },
      op);
  if (const LinearConstants* weights = weights_of(op)) {
    cost.bytes += program.constants[weights->tiles].bytes.size();
    cost.weight_bits = weights->bits;
  }
  return cost;
}

std::uint64_t program_macs(const Program& program) {
  std::uint64_t macs = 0;
  for (const Step& step : program.steps) macs += op_cost(step.op, program).macs;
  return macs;
}

}  // namespace intvit
