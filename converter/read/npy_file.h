// Reference logits in NumPy's .npy files: two-dimensional float32, little-endian, C order. The tools only write such
// files (tools/common/results/npy.h); reading them is the tests' business.
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

// Trusts nothing in the file: the header must be exactly as above and the file as long as the header says.
Result<NpyArray> read_npy(const std::string& path);

}  // namespace intvit
