// Writes a float32 array as a .npy file (NumPy format 1.0), row by row in memory and then to disk at once, so that
// numpy.load() reads logits without a parser. Not for: reading, other types, arrays larger than memory.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "intvit/status.h"

namespace intvit {

class NpyMatrix {
 public:
  explicit NpyMatrix(std::size_t columns) : NpyMatrix(std::vector<std::size_t>{columns}) {}
  // Rows that have dimensions of their own, at most three.
  explicit NpyMatrix(std::vector<std::size_t> row_shape);

  // As many values as a row has.
  void add_row(std::span<const float> row);
  std::size_t rows() const { return rows_; }

  // The whole file.
  std::span<const std::uint8_t> bytes();
  // Writes it to a temporary file that is then renamed.
  Status write(const std::string& path);

 private:
  std::vector<std::size_t> row_shape_;
  std::size_t rows_ = 0;
  std::vector<std::uint8_t> bytes_;  // room for the header, then the rows
};

}  // namespace intvit
