// Row-local chains. If row r of an operation's dst depends on nothing but row r of its src, a thread can go on to the
// next such operation with its own rows, without waiting for the others. A stage is a run of steps between two
// barriers; inside one, different threads are at different steps, so buffers that a stage touches must not share
// memory.
#pragma once

#include <vector>

#include "engine/program/program.h"

namespace intvit {

struct Stage {
  std::size_t first, last;  // steps [first, last)
};

std::vector<Stage> make_stages(const Program& program);

}  // namespace intvit
