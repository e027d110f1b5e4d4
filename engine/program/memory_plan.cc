#include "engine/program/memory_plan.h"

#include <algorithm>

#include "engine/program/stages.h"

namespace intvit {
namespace {

constexpr std::uint64_t kAlignment = 64;

std::uint64_t aligned_bytes(const Buffer& buffer) {
  return (buffer.bytes() + kAlignment - 1) / kAlignment * kAlignment;
}

bool overlap(const Lifetime& a, const Lifetime& b) { return a.first <= b.last && b.first <= a.last; }

}  // namespace

std::vector<Lifetime> lifetimes(const Program& program) {
  std::vector<Lifetime> result(program.buffers.size());
  const auto touch = [&](BufferId id, std::size_t stage) {
    if (id >= result.size()) return;  // reported by validation
    result[id].first = std::min(result[id].first, stage);
    result[id].last = std::max(result[id].last, stage);
  };
  touch(program.buffer_of(PortKind::picture), 0);
  const std::vector<Stage> stages = make_stages(program);
  for (std::size_t s = 0; s < stages.size(); ++s) {
    for (std::size_t i = stages[s].first; i < stages[s].last; ++i) {
      for (const Operand& operand : program.steps[i].op->operands()) touch(operand.buffer, s);
    }
  }
  for (const ProgramPort& port : program.ports) {
    if (port.kind != PortKind::picture) touch(port.buffer, stages.size());
  }
  return result;
}

// Quadratic, in steps of a nanosecond and at most kMaxBuffers buffers.
std::uint64_t place(const std::vector<BufferId>& buffers, const std::vector<Lifetime>& alive, Program& program) {
  std::vector<BufferId> order = buffers;
  std::stable_sort(order.begin(), order.end(),
                   [&](BufferId a, BufferId b) { return program.buffers[a].bytes() > program.buffers[b].bytes(); });
  struct Placed {
    std::uint64_t begin, end;
    Lifetime alive;
  };
  std::vector<Placed> placed;  // in the order of their places
  std::uint64_t bytes = 0;
  for (const BufferId id : order) {
    const std::uint64_t size = aligned_bytes(program.buffers[id]);
    std::uint64_t offset = 0;
    for (const Placed& other : placed) {
      if (offset + size <= other.begin) break;
      if (overlap(alive[id], other.alive)) offset = std::max(offset, other.end);
    }
    const auto after = std::upper_bound(placed.begin(), placed.end(), offset,
                                        [](std::uint64_t at, const Placed& other) { return at < other.begin; });
    placed.insert(after, {offset, offset + size, alive[id]});
    program.buffers[id].offset = offset;
    bytes = std::max(bytes, offset + size);
  }
  return bytes;
}

void plan_memory(Program& program) {
  for (Buffer& buffer : program.buffers) buffer.offset = 0, buffer.kept = false;
  program.kept_bytes = 0;
  for (const ProgramPort& port : program.ports) {
    if (port.buffer >= program.buffers.size() || program.buffers[port.buffer].kept) continue;
    Buffer& buffer = program.buffers[port.buffer];
    buffer.kept = true;
    buffer.offset = program.kept_bytes;
    program.kept_bytes += aligned_bytes(buffer);
  }
  const std::vector<Lifetime> alive = lifetimes(program);
  std::vector<BufferId> others;
  for (BufferId id = 0; id < program.buffers.size(); ++id) {
    if (!program.buffers[id].kept && alive[id].first <= alive[id].last) others.push_back(id);
  }
  program.arena_bytes = place(others, alive, program);
}

}  // namespace intvit
