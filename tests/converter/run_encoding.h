// An encoding that the converter made, run by the scalar kernel.
#pragma once

#include <cstdint>
#include <vector>

#include "converter/lower/encoding.h"

namespace intvit {

struct Encoded {
  std::vector<int> values;       // on the grid, or beyond it where an excess is in a list
  std::vector<int> column_part;  // channel groups: the group of each column
};

// As engine/ops/encode.cc does it.
Encoded run_encoding(const Encoding& e, const std::vector<std::int16_t>& x, int rows, int cols);

}  // namespace intvit
