// A table of floats in NumPy's .npy files (format 1.0 to 3.0): two-dimensional float32, little-endian, C order.
#pragma once

#include <string>
#include <vector>

#include "intvit/status.h"

namespace intvit {

struct NpyArray {
  int rows = 0;
  int cols = 0;
  std::vector<float> data;  // [rows][cols]
};

// Trusts nothing in the file: it must be as long as its header says, so that memory is bounded by its size. The values
// may be any, NaN among them. not_found, io, or corrupt_file.
Result<NpyArray> read_npy(const std::string& path);

}  // namespace intvit
