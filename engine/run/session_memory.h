// All memory of a session that operations work in.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include "engine/ops/execution.h"
#include "engine/program/program.h"

namespace intvit {

class SessionMemory {
 public:
  // Arenas are one, or, where all threads can have a picture of their own, one for each.
  SessionMemory(const Program& program, int threads, int batch);

  // False: there was not enough.
  bool ok() const { return scratch_ != nullptr; }

  // The buffers of the ports of a picture.
  std::uint8_t* kept(int index) const { return at(kept_, index, kept_bytes_); }
  // Where a thread works on a picture.
  Workspace workspace(int picture, int arena, int member) const {
    return {kept(picture), at(arenas_, arena, arena_bytes_), at(scratch_, member, scratch_bytes_)};
  }

 private:
  struct FreeAllocated {
    void operator()(std::uint8_t*) const;
    void* allocated;  // what the aligned memory is part of
  };
  using AlignedMemory = std::unique_ptr<std::uint8_t[], FreeAllocated>;

  // Null if there is not enough memory.
  static AlignedMemory aligned_zeros(std::size_t bytes);

  static std::uint8_t* at(const AlignedMemory& memory, int index, std::size_t bytes) {
    return memory.get() + static_cast<std::size_t>(index) * bytes;
  }

  // Bytes of one of each; multiples of kScratchAlignment.
  std::size_t kept_bytes_, arena_bytes_, scratch_bytes_;
  AlignedMemory kept_, arenas_, scratch_;
};

}  // namespace intvit
