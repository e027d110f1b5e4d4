// Scratch memory for a kernel, as it wants it: aligned to a cache line.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace intvit {

struct alignas(64) ScratchLine {
  std::uint8_t bytes[64];
};

inline std::vector<ScratchLine> scratch_of(std::size_t bytes) {
  return std::vector<ScratchLine>(bytes / sizeof(ScratchLine) + 1);
}

}  // namespace intvit
