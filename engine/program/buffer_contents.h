// What all operations that write a buffer leave in it, whichever of them ran last.
#pragma once

#include <vector>

#include "engine/program/program.h"

namespace intvit {

struct BufferContents {
  std::uint32_t highest_code = 0;  // of a u8 buffer's columns, at most
  std::uint32_t planes = 2;        // that every writer fills
};

// Of all buffers. Only what is written is known: 2 planes of nothing where no operation writes.
std::vector<BufferContents> buffer_contents(const Program& program);

}  // namespace intvit
