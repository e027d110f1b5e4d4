// What the operations of a program work on: the buffers of one picture and the constants of the model.
//
// Dimension letters: T tokens of one picture, C channels, K inputs and N outputs of a linear. All buffers are per
// picture; a session for a batch of B pictures holds B of each, one after another.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "intvit/input_geometry.h"
#include "intvit/port.h"

namespace intvit {

// A constant of the model: a view into the mapped file.
struct Constant {
  std::string name;
  DataType type = DataType::u8;
  std::span<const std::uint8_t> bytes;

  template <typename T>
  const T* as() const {
    return reinterpret_cast<const T*>(bytes.data());
  }
  template <typename T>
  std::span<const T> values() const {
    return {as<T>(), bytes.size() / sizeof(T)};
  }
  std::size_t count() const { return bytes.size() / byte_size(type); }
};

// rows x columns elements of one picture, rows `stride` elements apart. The memory plan (engine/program/memory_plan.h)
// lets those share a place whose values are never needed at the same time.
struct Buffer {
  DataType type = DataType::u8;
  std::uint32_t rows = 0;
  std::uint32_t columns = 0;
  std::uint32_t stride = 0;
  std::uint64_t offset = 0;  // in the arena, or, if it is kept, in what every picture keeps
  bool kept = false;         // a port's: outlives the run

  std::uint64_t bytes() const { return std::uint64_t{rows} * stride * byte_size(type); }
};

using BufferId = std::uint32_t;
using ConstantId = std::uint32_t;
inline constexpr std::uint32_t kNone = 0xffffffff;

// What a program takes or gives: some rows of a buffer, and what their numbers mean (intvit/port.h).
struct ProgramPort {
  std::string name;
  PortKind kind = PortKind::picture;
  BufferId buffer = kNone;
  std::uint32_t first_row = 0;
  std::uint32_t rows = 0;
  // A real value is (integer - zero) * mantissa * 2^exponent.
  std::uint32_t mantissa = 1;
  std::int32_t exponent = 0;
  std::int32_t zero = 0;
  // Where rows are the places of a map; else 0.
  std::uint32_t grid_height = 0;
  std::uint32_t grid_width = 0;
};

struct Tensors {
  InputGeometry input;
  std::vector<ProgramPort> ports;  // one picture; all others are outputs
  std::vector<Buffer> buffers;
  std::vector<Constant> constants;

  // A port of all rows of a buffer.
  ProgramPort& add_port(const std::string& name, PortKind kind, BufferId buffer) {
    return ports.emplace_back(ProgramPort{.name = name, .kind = kind, .buffer = buffer, .rows = rows_of(buffer)});
  }
  // The first one of that kind, or null.
  const ProgramPort* port(PortKind kind) const {
    for (const ProgramPort& port : ports) {
      if (port.kind == kind) return &port;
    }
    return nullptr;
  }
  // kNone if there is no such port.
  BufferId buffer_of(PortKind kind) const {
    const ProgramPort* found = port(kind);
    return found == nullptr ? kNone : found->buffer;
  }

  // 0 for a buffer that does not exist.
  std::uint32_t rows_of(BufferId id) const { return id < buffers.size() ? buffers[id].rows : 0; }
};

}  // namespace intvit
