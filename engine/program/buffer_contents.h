// What all operations that write a buffer leave in it, whichever of them ran last.
#pragma once

#include <vector>

#include "engine/program/program.h"

namespace intvit {

// Of all buffers. Only what is written is known: 2 planes of nothing where no operation writes.
std::vector<BufferContents> buffer_contents(const Program& program);

}  // namespace intvit
