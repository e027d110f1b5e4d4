// All memory of a session that operations work in, and how much that is.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include "engine/ops/execution.h"
#include "engine/program/program.h"

namespace intvit {

// Bytes of one of each, multiples of kScratchAlignment, and how many there are. Arenas are one, or, where all threads
// can have a picture of their own, one for each.
struct SessionSizes {
  // `attention` are the bytes of AttentionMemory.
  SessionSizes(const Program& program, int threads, int batch, std::uint64_t attention);

  // So much that it cannot be meant.
  bool too_large() const;
  std::uint64_t total() const;

  std::uint64_t kept_bytes, arena_bytes, scratch_bytes, attention_bytes;
  std::uint64_t pictures, arenas, members;
};

class SessionMemory {
 public:
  explicit SessionMemory(const SessionSizes& sizes);

  // False: there was not enough.
  bool ok() const { return scratch_ != nullptr; }

  // The weights of its attention layers that were asked for.
  std::uint8_t* attention(int index) const { return at(attention_, index, sizes_.attention_bytes); }
  // The buffers of the ports of a picture.
  std::uint8_t* kept(int index) const { return at(kept_, index, sizes_.kept_bytes); }
  // Where a thread works on a picture.
  Workspace workspace(int picture, int arena, int member) const {
    return {kept(picture), at(arenas_, arena, sizes_.arena_bytes), at(scratch_, member, sizes_.scratch_bytes)};
  }

 private:
  struct FreeAllocated {
    void operator()(std::uint8_t*) const;
    void* allocated;  // what the aligned memory is part of
  };
  using AlignedMemory = std::unique_ptr<std::uint8_t[], FreeAllocated>;

  // Null if there is not enough memory.
  static AlignedMemory aligned_zeros(std::size_t bytes);

  static std::uint8_t* at(const AlignedMemory& memory, int index, std::uint64_t bytes) {
    return memory.get() + static_cast<std::size_t>(index) * bytes;
  }

  SessionSizes sizes_;
  AlignedMemory kept_, arenas_, attention_, scratch_;
};

}  // namespace intvit
