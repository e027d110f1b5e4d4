// Bytes of the program section of op set 2 -> Program. No build writes them any more; docs/format.md has both
// encodings.
#pragma once

#include <cstdint>
#include <span>

#include "engine/program/program.h"
#include "intvit/status.h"

namespace intvit {

// As decode_program() (program_codec.h). The memory plan that such files have is not used.
Result<Program> decode_program_2(std::span<const std::uint8_t> bytes, std::span<const std::uint8_t> data);

}  // namespace intvit
