#include "engine/program/buffer_contents.h"

#include <algorithm>

namespace intvit {

std::vector<BufferContents> buffer_contents(const Program& program) {
  std::vector<BufferContents> contents(program.buffers.size(), {0, 2});
  const auto add = [&](BufferId id, const BufferContents& more) {
    if (id >= contents.size()) return;  // reported by validation, as for what steps write
    contents[id].highest_code = std::max(contents[id].highest_code, std::min(more.highest_code, 255u));
    contents[id].planes = std::min(contents[id].planes, more.planes);
  };
  add(program.buffer_of(PortKind::picture), {});
  for (const Step& step : program.steps) {
    for (const Operand& operand : step.op->operands()) {
      if (!operand.writes() || operand.buffer >= contents.size()) continue;
      add(operand.buffer, operand.leaves);
      std::uint32_t& highest = contents[operand.buffer].highest_value;
      highest = std::max(highest, step.op->highest_value(program));
    }
  }
  return contents;
}

}  // namespace intvit
