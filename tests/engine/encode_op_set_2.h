// Writes model files of op set 2, which no build writes any more but all read: for tests of their reader, as seeds of
// the fuzzer, and where digests were made of such files.
#pragma once

#include <cstdint>
#include <vector>

#include "engine/format/metadata.h"
#include "engine/program/program.h"

namespace intvit::test {

// To the byte what a build of op set 2 made of it. The program has two ports, the picture and the logits, and
// operations of that op set.
std::vector<std::uint8_t> encode_op_set_2(const Program& program, const Metadata& metadata);

// The program section alone; `offsets` are those of the constants.
std::vector<std::uint8_t> encode_program_op_set_2(const Program& program, const std::vector<std::uint64_t>& offsets);

}  // namespace intvit::test
