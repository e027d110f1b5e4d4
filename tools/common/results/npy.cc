#include "tools/common/results/npy.h"

#include <algorithm>
#include <bit>
#include <utility>

#include "engine/format/writer.h"

namespace intvit {
namespace {

// Magic, version 1.0, length of what follows, then a Python dictionary padded with spaces to a multiple of 64 bytes.
constexpr std::size_t kHeaderBytes = 128;
constexpr std::size_t kPrefixBytes = 10;

std::string header(std::size_t rows, const std::vector<std::size_t>& row_shape) {
  constexpr std::size_t kDictionaryBytes = kHeaderBytes - kPrefixBytes;
  std::string text = "\x93NUMPY";
  text += {'\x01', '\x00', static_cast<char>(kDictionaryBytes), '\x00'};
  text += "{'descr': '<f4', 'fortran_order': False, 'shape': (" + std::to_string(rows);
  for (const std::size_t size : row_shape) text += ", " + std::to_string(size);
  text += "), }";
  text.resize(kHeaderBytes - 1, ' ');
  return text + '\n';
}

}  // namespace

NpyMatrix::NpyMatrix(std::vector<std::size_t> row_shape) : row_shape_(std::move(row_shape)), bytes_(kHeaderBytes) {}

void NpyMatrix::add_row(std::span<const float> row) {
  for (const float value : row) {
    const auto bits = std::bit_cast<std::uint32_t>(value);
    for (int shift = 0; shift < 32; shift += 8) bytes_.push_back(static_cast<std::uint8_t>(bits >> shift));
  }
  ++rows_;
}

std::span<const std::uint8_t> NpyMatrix::bytes() {
  const std::string text = header(rows_, row_shape_);
  std::copy(text.begin(), text.end(), bytes_.begin());
  return bytes_;
}

Status NpyMatrix::write(const std::string& path) { return write_file_atomically(path, bytes()); }

}  // namespace intvit
