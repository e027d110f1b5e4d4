// What the operations of a program work on: the buffers of one picture and the constants of the model.
//
// Dimension letters: T tokens of one picture, C channels, K inputs and N outputs of a linear. All buffers are per
// picture; a session for a batch of B pictures holds B of each, one after another.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "engine/image/geometry.h"

namespace intvit {

enum class DataType : std::uint32_t { u8 = 0, s8 = 1, s16 = 2, s32 = 3 };

constexpr std::uint32_t byte_size(DataType type) { return type == DataType::s32 ? 4 : type == DataType::s16 ? 2 : 1; }

// A constant of the model: a view into the mapped file.
struct Constant {
  std::string name;
  DataType type = DataType::u8;
  std::span<const std::uint8_t> bytes;

  template <typename T>
  const T* as() const {
    return reinterpret_cast<const T*>(bytes.data());
  }
  std::size_t count() const { return bytes.size() / byte_size(type); }
};

// rows x columns elements of one picture, rows `stride` elements apart. `offset` is the place in a picture's arena; the
// memory plan lets buffers share it whose values are never needed at the same time.
struct Buffer {
  DataType type = DataType::u8;
  std::uint32_t rows = 0;
  std::uint32_t columns = 0;
  std::uint32_t stride = 0;
  std::uint64_t offset = 0;

  std::uint64_t bytes() const { return std::uint64_t{rows} * stride * byte_size(type); }
};

using BufferId = std::uint32_t;
using ConstantId = std::uint32_t;
inline constexpr std::uint32_t kNone = 0xffffffff;

struct Tensors {
  InputGeometry input;
  BufferId picture = kNone;  // u8, rows H, columns W * 3
  BufferId logits = kNone;   // s32, 1 x classes
  std::vector<Buffer> buffers;
  std::vector<Constant> constants;

  // 0 for a buffer that does not exist.
  std::uint32_t rows_of(BufferId id) const { return id < buffers.size() ? buffers[id].rows : 0; }
};

}  // namespace intvit
