// The part of an operation that somebody does: a share of its units (rows, heads, ...), or one of several blocks of it.
#pragma once

#include <cstdint>

namespace intvit {

struct Range {
  std::int64_t begin, end;

  std::int64_t size() const { return end - begin; }
  bool empty() const { return begin == end; }
};

// From `begin` to `end` in units of 1 / kWhole.
struct Share {
  static constexpr std::uint32_t kWhole = 1u << 24;

  std::uint32_t begin = 0, end = kWhole;
  int block = 0, blocks = 1;

  // Of `total` units. Shares and blocks that are adjacent give ranges that are.
  Range of(std::int64_t total) const {
    const std::int64_t first = total * begin / kWhole, count = total * end / kWhole - first;
    return {first + count * block / blocks, first + count * (block + 1) / blocks};
  }
};

}  // namespace intvit
