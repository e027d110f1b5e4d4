#include "tests/converter/npy_reader.h"

#include <bit>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <fstream>
#include <string_view>
#include <system_error>

namespace intvit {
namespace {

static_assert(std::endian::native == std::endian::little, "floats are copied as they lie in memory");

constexpr std::string_view kNpyMagic("\x93NUMPY\x01\x00", 8);  // format 1.0: a 16-bit header length follows
constexpr std::size_t kFixedBytes = kNpyMagic.size() + 2;

struct Shape {
  int rows = 0;
  int cols = 0;
};

bool skip(std::string_view& text, std::string_view expected) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\n')) text.remove_prefix(1);
  if (!text.starts_with(expected)) return false;
  text.remove_prefix(expected.size());
  return true;
}

bool read_extent(std::string_view& text, int& extent) {
  if (!skip(text, "")) return false;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), extent);
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  return error == std::errc() && extent >= 0;
}

// The header is a Python dictionary, its keys sorted as NumPy's own writer sorts them.
bool parse_header(std::string_view text, Shape& shape) {
  return skip(text, "{") && skip(text, "'descr'") && skip(text, ":") && skip(text, "'<f4'") && skip(text, ",") &&
         skip(text, "'fortran_order'") && skip(text, ":") && skip(text, "False") && skip(text, ",") &&
         skip(text, "'shape'") && skip(text, ":") && skip(text, "(") && read_extent(text, shape.rows) &&
         skip(text, ",") && read_extent(text, shape.cols) && (skip(text, ",") || true) && skip(text, ")") &&
         (skip(text, ",") || true) && skip(text, "}") && skip(text, "") && text.empty();
}

}  // namespace

Result<NpyArray> read_npy(const std::string& path) {
  const auto corrupt = [&](const std::string& what) { return Status(Code::corrupt_file, path + ": " + what); };
  std::ifstream file(path, std::ios::binary | std::ios::ate);
  if (!file) return {Code::not_found, "cannot open " + path};
  const std::int64_t size = file.tellg();
  char fixed[kFixedBytes];
  if (!file.seekg(0) || !file.read(fixed, kFixedBytes) || std::string_view(fixed, kNpyMagic.size()) != kNpyMagic) {
    return corrupt("not an .npy file of format 1.0");
  }
  const std::size_t header_size = static_cast<unsigned char>(fixed[kFixedBytes - 2]) +
                                  (std::size_t{static_cast<unsigned char>(fixed[kFixedBytes - 1])} << 8);
  std::string header(header_size, '\0');
  Shape shape;
  if (!file.read(header.data(), static_cast<std::streamsize>(header_size)) || !parse_header(header, shape)) {
    return corrupt("the header does not describe a two-dimensional array of '<f4' in C order");
  }
  // Two extents below 2^31 give a product below 2^62, so neither it nor four times it overflows 64 unsigned bits.
  const std::uint64_t count = static_cast<std::uint64_t>(shape.rows) * static_cast<std::uint64_t>(shape.cols);
  if (static_cast<std::uint64_t>(size) - kFixedBytes - header_size != count * sizeof(float)) {
    return corrupt("the file has not the size of the " + std::to_string(shape.rows) + " x " +
                   std::to_string(shape.cols) + " floats in its header");
  }
  NpyArray matrix{shape.rows, shape.cols, std::vector<float>(count)};
  if (!file.read(reinterpret_cast<char*>(matrix.data.data()), static_cast<std::streamsize>(count * sizeof(float)))) {
    return {Code::io, "cannot read " + path};
  }
  return matrix;
}

}  // namespace intvit
