// The part of an operation that somebody does: a share of its units (rows, heads, ...), or one of several blocks of it.
#pragma once

#include <cstdint>

namespace intvit {

struct Range {
  std::int64_t begin, end;

  std::int64_t size() const { return end - begin; }
  bool empty() const { return begin == end; }
};

// From `begin` to `end` in units of 1 / kWhole. Where rows belong together, `unit` of them, all or none are in it.
struct Share {
  static constexpr std::uint32_t kWhole = 1u << 24;

  std::uint32_t begin = 0, end = kWhole;
  int block = 0, blocks = 1;
  std::uint32_t unit = 1;

  // Of `total`, a multiple of `unit`. Shares and blocks that are adjacent give ranges that are.
  Range of(std::int64_t total) const {
    const std::int64_t units = total / unit;
    const std::int64_t first = units * begin / kWhole, count = units * end / kWhole - first;
    return {(first + count * block / blocks) * unit, (first + count * (block + 1) / blocks) * unit};
  }
};

}  // namespace intvit
