#include "tools/common/results/npy.h"

#include <algorithm>
#include <bit>
#include <charconv>
#include <istream>
#include <string_view>
#include <utility>

#include "engine/format/writer.h"
#include "tools/common/cli/shown_text.h"

namespace intvit {
namespace {

// Magic, version 1.0, length of what follows, then a Python dictionary padded with spaces to a multiple of 64 bytes.
constexpr std::size_t kHeaderBytes = 128;
constexpr std::size_t kPrefixBytes = 10;

const char* descr(NpyType type) {
  switch (type) {
    case NpyType::f32:
      return "<f4";
    case NpyType::u8:
      return "|u1";
    case NpyType::s16:
      return "<i2";
    case NpyType::s32:
      break;
  }
  return "<i4";
}

// Low bytes first, on any machine.
template <typename Bits, typename T>
void append(std::vector<std::uint8_t>& bytes, std::span<const T> values) {
  bytes.reserve(bytes.size() + values.size_bytes());
  for (const T value : values) {
    const auto bits = std::bit_cast<Bits>(value);
    for (std::size_t i = 0; i < sizeof bits; ++i) bytes.push_back(static_cast<std::uint8_t>(bits >> 8 * i));
  }
}

std::string header(NpyType type, std::size_t rows, const std::vector<std::size_t>& row_shape) {
  constexpr std::size_t kDictionaryBytes = kHeaderBytes - kPrefixBytes;
  std::string text = "\x93NUMPY";
  text += {'\x01', '\x00', static_cast<char>(kDictionaryBytes), '\x00'};
  text += std::string("{'descr': '") + descr(type) + "', 'fortran_order': False, 'shape': (" + std::to_string(rows);
  for (const std::size_t size : row_shape) text += ", " + std::to_string(size);
  text += "), }";
  text.resize(kHeaderBytes - 1, ' ');
  return text + '\n';
}

// What stands behind a key of the dictionary, up to `end`, without blanks; empty if it is not there.
std::string value_of(const std::string& dictionary, const std::string& key, char end) {
  const std::size_t at = dictionary.find("'" + key + "':");
  if (at == std::string::npos) return "";
  const std::size_t begin = at + key.size() + 3;
  std::string value = dictionary.substr(begin, std::min(dictionary.find(end, begin), dictionary.size()) - begin);
  std::erase(value, ' ');
  return value;
}

}  // namespace

NpyMatrix::NpyMatrix(std::vector<std::size_t> row_shape, NpyType type)
    : row_shape_(std::move(row_shape)), type_(type), bytes_(kHeaderBytes) {}

void NpyMatrix::add_row(std::span<const float> row) {
  append<std::uint32_t>(bytes_, row);
  ++rows_;
}

void NpyMatrix::add_row(std::span<const std::int16_t> row) {
  append<std::uint16_t>(bytes_, row);
  ++rows_;
}

void NpyMatrix::add_row(std::span<const std::int32_t> row) {
  append<std::uint32_t>(bytes_, row);
  ++rows_;
}

void NpyMatrix::add_row(std::span<const std::uint8_t> row) {
  bytes_.insert(bytes_.end(), row.begin(), row.end());
  ++rows_;
}

std::span<const std::uint8_t> NpyMatrix::bytes() {
  const std::string text = header(type_, rows_, row_shape_);
  std::copy(text.begin(), text.end(), bytes_.begin());
  return bytes_;
}

Status NpyMatrix::write(const std::string& path) { return write_file_atomically(path, bytes()); }

Result<NpyHeader> read_npy_header(std::istream& in, const std::vector<std::string>& types) {
  const auto invalid = [](const std::string& problem) { return Status(Code::invalid_argument, problem); };
  char prefix[12] = {};
  if (!in.read(prefix, kPrefixBytes) || std::string_view(prefix, 6) != "\x93NUMPY")
    return invalid("it is no .npy file");
  const auto byte = [&](int i) { return std::size_t{static_cast<std::uint8_t>(prefix[i])}; };
  std::size_t length = byte(8) | byte(9) << 8;
  if (byte(6) > 1) {  // later versions have four bytes
    if (!in.read(prefix + 10, 2)) return invalid("its header is cut off");
    length |= byte(10) << 16 | byte(11) << 24;
  }
  if (length > 65536) return invalid("its header has more than 64 KiB");
  std::string dictionary(length, ' ');
  if (!in.read(dictionary.data(), static_cast<std::streamsize>(length))) return invalid("its header is cut off");
  const std::string found = value_of(dictionary, "descr", ',');
  NpyHeader header;
  std::string allowed;
  for (const std::string& type : types) {
    if (found == "'" + type + "'") header.type = type;
    allowed += (allowed.empty() ? "" : " or ") + type;
  }
  if (header.type.empty()) return invalid("its elements must be " + allowed + ", not " + shortened(found, 40));
  if (value_of(dictionary, "fortran_order", ',') != "False") return invalid("its order must be C's, not Fortran's");
  const std::string sizes = value_of(dictionary, "shape", ')');
  std::vector<std::size_t>& shape = header.shape;
  if (!sizes.starts_with('(')) return invalid("its header has no shape");
  for (const char *at = sizes.data() + 1, *end = sizes.data() + sizes.size(); at < end;) {
    const auto [next, error] = std::from_chars(at, end, shape.emplace_back());
    if (error != std::errc() || shape.size() > 8 || (next < end && *next != ',')) {
      return invalid("its header has no shape of at most 8 dimensions");
    }
    at = next + 1;
  }
  return header;
}

}  // namespace intvit
