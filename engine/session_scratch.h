// How large the scratch memory of a session's thread is, and how its pieces lie in it.
#pragma once

#include <cstddef>
#include <cstdint>

namespace intvit {

// Patches are gathered and multiplied in blocks of at most this many rows.
inline constexpr int kPatchBlock = 56;
static_assert(kPatchBlock % 2 == 0);

inline constexpr std::size_t kScratchAlignment = 64;

constexpr std::size_t align_scratch(std::size_t bytes) {
  return (bytes + kScratchAlignment - 1) / kScratchAlignment * kScratchAlignment;
}

// Channels that one thread encodes by groups at a time, and what it notes of each: seven 16-bit numbers.
inline constexpr int kChannelBlock = 64;

constexpr std::size_t channel_group_scratch(std::size_t columns) {
  return align_scratch(7 * sizeof(std::int16_t) * columns);
}

}  // namespace intvit
