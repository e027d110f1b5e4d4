#include "converter/graph/merge.h"

namespace intvit {

std::vector<std::int32_t> expand(const MergeSpec& spec) {
  std::vector<std::int32_t> rows;
  for (int y = 0; y < spec.merged_height(); ++y) {
    for (int x = 0; x < spec.merged_width(); ++x) {
      for (int i = 0; i < kMergedTokens; ++i) {
        const int row = 2 * y + i % 2, column = 2 * x + i / 2;
        const bool inside = row < spec.grid_height && column < spec.grid_width;
        rows.push_back(inside ? row * spec.grid_width + column : -1);
      }
    }
  }
  return rows;
}

}  // namespace intvit
