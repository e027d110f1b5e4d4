// What an operation sees when it runs.
#pragma once

#include <cstdint>
#include <span>

#include "engine/ops/share.h"
#include "engine/tensors/tensors.h"
#include "kernels/dispatch/kernel_table.h"

namespace intvit {

// The memory of one picture, and of the thread that works on it.
struct Workspace {
  std::uint8_t* kept;   // of the ports' buffers
  std::uint8_t* arena;  // of all other buffers
  void* scratch;        // as much as the operation asked for; not shared between threads
};

// Where the weights of an attention go if somebody asks for them (intvit/attention.h). What its sets do not have stays
// as it is.
struct AttentionWeights {
  std::uint16_t* weights = nullptr;   // [sets][heads][queries][keys]; null: nobody asks
  std::uint32_t* divisors = nullptr;  // [sets][heads][queries]
  std::int64_t heads = 0, queries = 0, keys = 0;
};

struct Execution {
  const Tensors& tensors;
  const kernels::KernelTable& kernels;
  Workspace workspace;
  Share part = {};
  bool written_elsewhere = false;                   // other threads have written some of what is read
  std::span<const std::uint8_t> next_weights = {};  // of this thread's next linear operation, to fetch ahead
  AttentionWeights attention_weights = {};

  Range share(std::int64_t total) const { return part.of(total); }
  const Buffer& buffer(BufferId id) const { return tensors.buffers[id]; }

  std::uint8_t* memory(BufferId id) const {
    const Buffer& buffer = tensors.buffers[id];
    return (buffer.kept ? workspace.kept : workspace.arena) + buffer.offset;
  }
  template <typename T>
  T* row(BufferId id, std::int64_t index) const {
    return reinterpret_cast<T*>(memory(id)) + index * tensors.buffers[id].stride;
  }
  // The first byte of a row whose elements have the buffer's own type.
  void* row_of_any_type(BufferId id, std::int64_t index) const {
    return row<std::uint8_t>(id, index * byte_size(tensors.buffers[id].type));
  }
  template <typename T>
  const T* constant(ConstantId id) const {
    return tensors.constants[id].as<T>();
  }
};

}  // namespace intvit
