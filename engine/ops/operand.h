// The buffers of an operation, by name and by what it does with them.
#pragma once

#include <cstdint>
#include <string_view>

#include "engine/tensors/tensors.h"

namespace intvit {

// What operations leave in a buffer that they write.
struct BufferContents {
  std::uint32_t highest_code = 255;   // of a u8 buffer's columns, at most
  std::uint32_t planes = 1;           // that are filled
  std::uint32_t highest_value = 255;  // of both planes together, at most
};

enum class Access { read, write, update };  // update: both

struct Operand {
  std::string_view name;
  BufferId buffer;
  Access access;
  BufferContents leaves = {};  // where it writes

  bool reads() const { return access != Access::write; }
  bool writes() const { return access != Access::read; }
};

}  // namespace intvit
