// How large the scratch memory of a session's thread is, and how its pieces lie in it.
#pragma once

#include <cstddef>

namespace intvit {

// Patches are gathered and multiplied in blocks of this many rows.
inline constexpr int kPatchBlock = 48;

inline constexpr std::size_t kScratchAlignment = 64;

constexpr std::size_t align_scratch(std::size_t bytes) {
  return (bytes + kScratchAlignment - 1) / kScratchAlignment * kScratchAlignment;
}

}  // namespace intvit
