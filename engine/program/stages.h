// Row-local chains. If row r of an operation's dst depends on nothing but row r of its src, a thread can go on to the
// next such operation with its own rows, without waiting for the others. The same goes for so many rows together, such
// as those of a window in which they attend to each other. A stage is a run of steps between two barriers; inside one,
// different threads are at different steps, so buffers that a stage touches must not share memory.
#pragma once

#include <vector>

#include "engine/program/program.h"

namespace intvit {

struct Stage {
  std::size_t first, last;  // steps [first, last)
  std::uint32_t unit = 1;   // rows that stay together
};

// Where rows come in units, but in too few for all threads to have as many, a step of them is a stage by itself.
// Memory that is planned for one thread suits more.
std::vector<Stage> make_stages(const Program& program, int threads = 1);

}  // namespace intvit
