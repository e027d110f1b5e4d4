// A table of positions on another grid, as the library does it whose checkpoint it is: bicubic, the borders of both
// grids aligned (PyTorch's interpolate with align_corners=False).
#pragma once

#include <span>
#include <vector>

#include "models/vit.h"

namespace intvit {

struct Grid {
  int height = 0;
  int width = 0;

  bool operator==(const Grid&) const = default;
};

// `table` is [from.height][from.width][channels]. The same grid is the same table.
std::vector<float> resize_positions(std::span<const float> table, int channels, const Grid& from, const Grid& to,
                                    PositionResize how);

}  // namespace intvit
