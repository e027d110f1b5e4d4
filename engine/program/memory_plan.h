// The memory plan: where each buffer lies. Those of ports are kept: the picture, which outlives a run, and the outputs,
// which wait to be read. All others lie in an arena.
#pragma once

#include "engine/program/program.h"

namespace intvit {

// The first and the last stage (engine/program/stages.h) that touches a buffer; one that nothing touches has first >
// last.
struct Lifetime {
  std::size_t first = SIZE_MAX;
  std::size_t last = 0;
};

// Lifetimes of all buffers. The picture is alive from the start and outputs to the end.
std::vector<Lifetime> lifetimes(const Program& program);

// Places some buffers such that those that live at the same time do not overlap; largest first, each at the lowest
// place that fits. All offsets are multiples of 64. Returns how many bytes they need.
std::uint64_t place(const std::vector<BufferId>& buffers, const std::vector<Lifetime>& alive, Program& program);

// Sets the place of every buffer, and the bytes of the arena and of what is kept. Buffers that nothing touches get no
// memory. The file has no part in this.
void plan_memory(Program& program);

}  // namespace intvit
