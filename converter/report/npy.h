// Two-dimensional float32 arrays in NumPy's .npy files: logits out, reference logits in.
// Little-endian and C order only, which is what numpy.save makes of such arrays. Not for other types or shapes.
#pragma once

#include <string>
#include <vector>

#include "engine/status.h"

namespace intvit {

struct NpyArray {
  int rows = 0;
  int cols = 0;
  std::vector<float> data;  // [rows][cols]
};

// data: rows x cols. The file appears complete or not at all: a temporary file beside it is renamed at the end.
Status write_npy(const std::string& path, const float* data, int rows, int cols);

// Trusts nothing in the file: the header must be exactly as above and the file as long as the header says.
Result<NpyArray> read_npy(const std::string& path);

}  // namespace intvit
