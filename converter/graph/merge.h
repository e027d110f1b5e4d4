// Patch merging: four neighbours of a map of tokens become one row of the next, smaller map.
#pragma once

#include <cstdint>
#include <vector>

namespace intvit {

// Tokens lie row by row. A row of the next grid at (y, x) is the tokens (2y, 2x), (2y + 1, 2x), (2y, 2x + 1),
// (2y + 1, 2x + 1) side by side. Outside the grid they are zeros.
struct MergeSpec {
  int grid_height = 0;
  int grid_width = 0;

  bool operator==(const MergeSpec&) const = default;

  int tokens() const { return grid_height * grid_width; }
  int merged_height() const { return (grid_height + 1) / 2; }
  int merged_width() const { return (grid_width + 1) / 2; }
  int merged_tokens() const { return merged_height() * merged_width(); }
};

constexpr int kMergedTokens = 4;  // side by side

// [merged_tokens()][kMergedTokens]: rows of the map; -1: zeros.
std::vector<std::int32_t> expand(const MergeSpec& spec);

}  // namespace intvit
