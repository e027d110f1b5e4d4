// Writes an array of float32 or of integers as a .npy file (NumPy format 1.0), row by row in memory and then to disk at
// once, so that numpy.load() reads logits without a parser. Of files to read only the header is understood. Not for:
// other types, arrays larger than memory.
#pragma once

#include <cstddef>
#include <cstdint>
#include <iosfwd>
#include <span>
#include <string>
#include <vector>

#include "intvit/status.h"

namespace intvit {

enum class NpyType { f32, u8, s16, s32 };

class NpyMatrix {
 public:
  explicit NpyMatrix(std::size_t columns) : NpyMatrix(std::vector<std::size_t>{columns}) {}
  // Rows that have dimensions of their own, at most three.
  explicit NpyMatrix(std::vector<std::size_t> row_shape, NpyType type = NpyType::f32);

  // As many values as a row has, of the array's type.
  void add_row(std::span<const float> row);
  void add_row(std::span<const std::uint8_t> row);
  void add_row(std::span<const std::int16_t> row);
  void add_row(std::span<const std::int32_t> row);
  std::size_t rows() const { return rows_; }

  // The whole file.
  std::span<const std::uint8_t> bytes();
  // Writes it to a temporary file that is then renamed.
  Status write(const std::string& path);

 private:
  std::vector<std::size_t> row_shape_;
  NpyType type_;
  std::size_t rows_ = 0;
  std::vector<std::uint8_t> bytes_;  // room for the header, then the rows
};

struct NpyHeader {
  std::string type;                // "|u1", "<f4"
  std::vector<std::size_t> shape;  // at most 8 dimensions
};

// Reads the header of a .npy file whose elements have one of these types and whose order is C's. What follows in the
// stream are the elements. The message does not name the file.
Result<NpyHeader> read_npy_header(std::istream& in, const std::vector<std::string>& types);

}  // namespace intvit
