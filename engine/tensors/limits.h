// How large tensors may be, so that no product of their dimensions overflows.
#pragma once

#include <cstdint>

namespace intvit {

// Rows of a buffer, so that those of the largest batch can be counted in an int.
inline constexpr std::uint32_t kMaxRows = 1u << 18;
inline constexpr std::uint32_t kMaxColumns = 1u << 24;
inline constexpr std::uint32_t kMaxInputEdge = 16384;
inline constexpr std::uint64_t kMaxArenaBytes = std::uint64_t{8} << 30;

}  // namespace intvit
