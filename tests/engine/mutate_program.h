// Programs that a converter would not make: fields, shapes, constants and steps changed at random, often to what is
// just within a limit or just beyond.
#pragma once

#include <string>

#include "bench/common/random.h"
#include "tests/engine/tiny_program.h"

namespace intvit::test {

// Changes one thing and says what. The program may be invalid, but can be encoded.
std::string mutate_program(TinyProgram& tiny, Random& random);

// Makes every operand that can be one an output, as many as there may be, so that a comparison of outputs is one of all
// buffers.
void show_buffers(Program& program);

}  // namespace intvit::test
