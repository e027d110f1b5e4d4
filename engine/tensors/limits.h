// How large tensors may be, so that no product of their dimensions overflows.
#pragma once

#include <cstdint>

namespace intvit {

// Rows of a buffer, so that those of the largest batch can be counted in an int.
inline constexpr std::uint32_t kMaxRows = 1u << 18;
inline constexpr std::uint32_t kMaxColumns = 1u << 24;
// Of a row of so many columns, elements at most: padding that no operation needs must not make a small file take
// gigabytes.
constexpr std::uint64_t max_stride(std::uint32_t columns) { return 256 + std::uint64_t{4} * columns; }
inline constexpr std::uint32_t kMaxInputEdge = 16384;
inline constexpr std::uint64_t kMaxArenaBytes = std::uint64_t{8} << 30;

}  // namespace intvit
