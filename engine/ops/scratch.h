// The scratch memory of a thread.
#pragma once

#include <cstddef>

namespace intvit {

inline constexpr std::size_t kScratchAlignment = 64;

constexpr std::size_t align_scratch(std::size_t bytes) {
  return (bytes + kScratchAlignment - 1) / kScratchAlignment * kScratchAlignment;
}

}  // namespace intvit
