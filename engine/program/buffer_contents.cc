#include "engine/program/buffer_contents.h"

#include <algorithm>

namespace intvit {
namespace {

constexpr BufferContents kAnyBytes = {255, 1};

BufferContents written_by(const LinearOp& op) { return {op.max_code, 1}; }
BufferContents written_by(const EncodeOp& op) { return {255, op.planes}; }
BufferContents written_by(const LayerNormOp& op) { return {op.max_code, 1}; }
BufferContents written_by(const AttentionOp& op) { return {op.max_code, 1}; }
BufferContents written_by(const PatchEmbedOp&) { return kAnyBytes; }
BufferContents written_by(const MeanRowsOp&) { return kAnyBytes; }

}  // namespace

std::vector<BufferContents> buffer_contents(const Program& program) {
  std::vector<BufferContents> contents(program.buffers.size());
  const auto add = [&](BufferId id, const BufferContents& more) {
    if (id >= contents.size()) return;  // reported by validation
    contents[id].highest_code = std::max(contents[id].highest_code, std::min(more.highest_code, 255u));
    contents[id].planes = std::min(contents[id].planes, more.planes);
  };
  add(program.picture, kAnyBytes);
  for (const Step& step : program.steps) {
    std::visit([&](const auto& op) { add(op.dst, written_by(op)); }, step.op);
  }
  return contents;
}

}  // namespace intvit
