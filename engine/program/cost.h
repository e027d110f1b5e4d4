// What an operation costs by the model's own numbers, whatever kernels execute it: for benchmarks and traces. Padding
// is not counted, and a value in two byte planes counts once, though the instructions multiply it twice.
#pragma once

#include <cstdint>

#include "engine/program/program.h"

namespace intvit {

struct OpCost {
  std::uint64_t rows = 0;         // of what it writes
  std::uint64_t macs = 0;         // multiply-accumulates; 0 for what multiplies no matrices
  std::uint64_t bytes = 0;        // weights and all buffers that it reads or writes, each once
  std::uint32_t weight_bits = 8;  // of the right factor, 8, 4, 3 or 2: which instructions can multiply it
};

// `program` must be valid.
OpCost op_cost(const Op& op, const Program& program, std::uint64_t pictures = 1);

// Multiply-accumulates of all steps for one picture.
std::uint64_t program_macs(const Program& program);

}  // namespace intvit
