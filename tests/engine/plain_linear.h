// The operations of tests/engine/plain_execution.h that multiply matrices or move rows.
#pragma once

#include <cstdint>

#include "engine/ops/coarse_steps.h"
#include "engine/ops/conv.h"
#include "engine/ops/gather.h"
#include "engine/ops/linear.h"
#include "tests/engine/plain_execution.h"

namespace intvit::test {

// A program and what its buffers hold.
struct PlainMemory {
  const Program& program;
  PlainBuffers& buffers;

  std::int32_t& at(BufferId id, std::uint32_t row, std::uint32_t column) const {
    return buffers[id][std::size_t{row} * program.buffers[id].columns + column];
  }
  template <typename T>
  const T* numbers(ConstantId id) const {
    return program.constants[id].as<T>();
  }
  // Codes or values.
  std::int32_t result(BufferId dst, std::int32_t value, std::uint32_t max_code) const;
};

void execute_plainly(const ConvOp& op, const PlainMemory& memory);
void execute_plainly(const LinearOp& op, const PlainMemory& memory);
void execute_plainly(const GatherOp& op, const PlainMemory& memory);

}  // namespace intvit::test
