// Model files that no converter made: whatever the reader takes of them must run, and leave in every output what a
// plain execution leaves, whatever the instruction set and the threads. Few by default; a long run sets
//
//   INTVIT_PROGRAMS=COUNT      so many
//   INTVIT_PROGRAMS_SEED=N     number N and those behind it, so that one can be had again
//   INTVIT_PROGRAMS_ISA=NAME   of this instruction set alone, beside scalar
//   INTVIT_PROGRAMS_FILE=PATH  each is written there before it is opened: after a crash, the one that crashed
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "bench/common/random.h"

namespace intvit::test {

struct GeneratedFile {
  std::vector<std::uint8_t> bytes;
  std::string changes;  // empty: it must be taken
  std::string name = "program";
};

// Flips one bit of program, constants or metadata, with checksums that agree.
void flip_bit(std::vector<std::uint8_t>& bytes, Random& random);

// Makes so many files, or INTVIT_PROGRAMS, and fails for every one that is not refused with a message and does not run
// as it must. Every file has a Random of its own, whose numbers are the same on every machine.
void judge_programs(std::uint64_t usual_count, const std::function<GeneratedFile(Random&)>& generate);

}  // namespace intvit::test
