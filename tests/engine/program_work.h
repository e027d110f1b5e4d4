// What a program takes to run, so that tests and the fuzzer leave out those that only take longer.
#pragma once

#include "engine/program/program.h"

namespace intvit::test {

// Multiplications and bytes of one picture, roughly, and the arena are below these. `program` must be valid.
bool is_small(const Program& program, std::uint64_t most_work, std::uint64_t most_bytes);

}  // namespace intvit::test
