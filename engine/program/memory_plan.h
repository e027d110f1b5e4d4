// The memory plan: where each buffer lies in a picture's arena.
#pragma once

#include "engine/program/program.h"

namespace intvit {

// The first and the last stage (engine/program/stages.h) that touches a buffer; one that nothing touches has first >
// last.
struct Lifetime {
  std::size_t first = SIZE_MAX;
  std::size_t last = 0;
};

// Lifetimes of all buffers. The picture is alive from the start and the logits to the end.
std::vector<Lifetime> lifetimes(const Program& program);

// Sets every buffer's offset and the arena's size such that buffers that live at the same time do not overlap; largest
// buffers first, each at the lowest place that fits. All offsets are multiples of 64.
void plan_memory(Program& program);

}  // namespace intvit
