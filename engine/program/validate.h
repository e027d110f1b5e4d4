// Decides whether a program can be executed without ever leaving its buffers and constants. Everything that the session
// and the kernels rely on is checked here, once; nothing is checked while running.
#pragma once

#include <cstdint>

#include "engine/program/program.h"
#include "intvit/status.h"

namespace intvit {

// Takes time in proportion to the file: `constant_bytes_read`, if given, gets how many bytes of constants were read.
Status validate(const Program& program, std::uint64_t* constant_bytes_read = nullptr);

}  // namespace intvit
