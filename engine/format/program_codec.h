// Program <-> bytes of the program section, in the encoding of op sets 3 and 4. Constants are stored as places in the
// data section; the memory plan is not stored.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "engine/program/program.h"
#include "intvit/status.h"

namespace intvit {

// What a reader of the program needs at least: 4 for weights of 3 and 2 bits and kinds of encode from uniform on, or 3.
std::uint32_t needed_op_set(const Program& program);

// `offsets[i]` is where constant i lies in the data section.
std::vector<std::uint8_t> encode_program(const Program& program, std::span<const std::uint64_t> offsets);

// Structure only: counts, names, and constants inside `data`. Whether it can be executed is validate()'s business.
// corrupt_file, or unsupported for what only a newer version can have written.
Result<Program> decode_program(std::span<const std::uint8_t> bytes, std::span<const std::uint8_t> data);

}  // namespace intvit
