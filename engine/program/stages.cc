#include "engine/program/stages.h"

namespace intvit {
namespace {

// Rows per picture that a row-local operation splits over threads; 0 for one that is not row-local.
std::uint32_t row_local_rows(const Op& op, const Program& program) {
  const auto rows = [&](BufferId id) { return id < program.buffers.size() ? program.buffers[id].rows : 0; };
  if (const auto* patch_embed = std::get_if<PatchEmbedOp>(&op)) return rows(patch_embed->dst);
  if (const auto* linear = std::get_if<LinearOp>(&op)) {
    return rows(linear->src) == rows(linear->dst) ? rows(linear->dst) : 0;
  }
  if (const auto* norm = std::get_if<LayerNormOp>(&op)) {
    return rows(norm->src) == rows(norm->dst) ? rows(norm->dst) : 0;
  }
  if (const auto* encode = std::get_if<EncodeOp>(&op)) {
    return encode->kind == EncodeOpKind::channel_groups ? 0 : rows(encode->dst);
  }
  return 0;
}

}  // namespace

std::vector<Stage> make_stages(const Program& program) {
  std::vector<Stage> stages;
  std::uint32_t rows = 0;
  for (std::size_t i = 0; i < program.steps.size(); ++i) {
    const std::uint32_t own = row_local_rows(program.steps[i].op, program);
    if (own == 0 || own != rows) {
      stages.push_back({i, i + 1});
    } else {
      stages.back().last = i + 1;
    }
    rows = own;
  }
  return stages;
}

}  // namespace intvit
