#include "engine/program/memory_plan.h"

#include <algorithm>
#include <numeric>

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
  touch(program.picture, 0);
  const std::vector<Stage> stages = make_stages(program);
  for (std::size_t s = 0; s < stages.size(); ++s) {
    for (std::size_t i = stages[s].first; i < stages[s].last; ++i) {
      for (const Operand& operand : program.steps[i].op->operands()) touch(operand.buffer, s);
    }
  }
  touch(program.logits, stages.size());
  return result;
}

void plan_memory(Program& program) {
  const std::vector<Lifetime> alive = lifetimes(program);
  std::vector<BufferId> order(program.buffers.size());
  std::iota(order.begin(), order.end(), 0u);
  std::stable_sort(order.begin(), order.end(),
                   [&](BufferId a, BufferId b) { return program.buffers[a].bytes() > program.buffers[b].bytes(); });
  program.arena_bytes = 0;
  std::vector<BufferId> placed;
  for (const BufferId id : order) {
    Buffer& buffer = program.buffers[id];
    std::vector<const Buffer*> neighbours;
    for (const BufferId other : placed) {
      if (overlap(alive[id], alive[other])) neighbours.push_back(&program.buffers[other]);
    }
    std::sort(neighbours.begin(), neighbours.end(),
              [](const Buffer* a, const Buffer* b) { return a->offset < b->offset; });
    std::uint64_t offset = 0;
    for (const Buffer* other : neighbours) {
      if (offset + aligned_bytes(buffer) <= other->offset) break;
      offset = std::max(offset, other->offset + aligned_bytes(*other));
    }
    buffer.offset = offset;
    program.arena_bytes = std::max(program.arena_bytes, offset + aligned_bytes(buffer));
    placed.push_back(id);
  }
}

}  // namespace intvit
