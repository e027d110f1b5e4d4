#include "picture/png_chunks.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "picture/decoder.h"
#include "picture/exif.h"

namespace intvit {
namespace {

using Bytes = std::span<const std::uint8_t>;

constexpr std::size_t kSignatureBytes = 8;
constexpr std::uint8_t kSignature[kSignatureBytes] = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n'};
// Of a chunk's length, name and checksum.
constexpr std::size_t kFrameBytes = 12;

std::uint32_t big_endian_32(Bytes bytes, std::size_t at) {
  return static_cast<std::uint32_t>(bytes[at]) << 24 | static_cast<std::uint32_t>(bytes[at + 1]) << 16 |
         static_cast<std::uint32_t>(bytes[at + 2]) << 8 | bytes[at + 3];
}

constexpr std::uint32_t name(const char (&text)[5]) {
  std::uint32_t value = 0;
  for (int i = 0; i < 4; ++i) value = value << 8 | static_cast<std::uint8_t>(text[i]);
  return value;
}

std::uint32_t crc32(Bytes bytes) {
  static constexpr std::array<std::uint32_t, 256> kTable = [] {
    std::array<std::uint32_t, 256> table{};
    for (std::uint32_t i = 0; i < 256; ++i) {
      std::uint32_t value = i;
      for (int bit = 0; bit < 8; ++bit) value = (value >> 1) ^ ((value & 1) != 0 ? 0xedb88320u : 0u);
      table[i] = value;
    }
    return table;
  }();
  std::uint32_t crc = ~0u;
  for (const std::uint8_t byte : bytes) crc = kTable[(crc ^ byte) & 255] ^ (crc >> 8);
  return ~crc;
}

int channels(PngColor color) {
  switch (color) {
    case PngColor::rgb:
      return 3;
    case PngColor::grey_alpha:
      return 2;
    case PngColor::rgb_alpha:
      return 4;
    default:
      return 1;
  }
}

bool is_possible(int bits, int color) {
  switch (color) {
    case 0:
      return bits == 1 || bits == 2 || bits == 4 || bits == 8 || bits == 16;
    case 3:
      return bits == 1 || bits == 2 || bits == 4 || bits == 8;
    case 2:
    case 4:
    case 6:
      return bits == 8 || bits == 16;
    default:
      return false;
  }
}

Status read_header(Bytes data, const PictureLimits& limits, PngChunks& chunks) {
  if (data.size() != 13) return damaged("its header has a wrong length");
  chunks.width = big_endian_32(data, 0);
  chunks.height = big_endian_32(data, 4);
  chunks.bits = data[8];
  chunks.interlaced = data[12] == 1;
  if (!is_possible(data[8], data[9]) || data[10] != 0 || data[11] != 0 || data[12] > 1) {
    return damaged("its header is wrong");
  }
  chunks.color = static_cast<PngColor>(data[9]);
  return check_size(chunks.width, chunks.height, limits);
}

void append_chunk(std::vector<std::uint8_t>& png, const char (&text)[5], Bytes data) {
  const auto append = [&png](std::uint32_t value) {
    for (int shift = 24; shift >= 0; shift -= 8) png.push_back(static_cast<std::uint8_t>(value >> shift));
  };
  append(static_cast<std::uint32_t>(data.size()));
  const std::size_t begin = png.size();
  append(name(text));
  png.insert(png.end(), data.begin(), data.end());
  append(crc32(Bytes(png).subspan(begin)));
}

}  // namespace

std::int64_t PngChunks::inflated_bytes() const {
  struct Pass {
    int x, y, dx, dy;
  };
  static constexpr Pass kAdam7[] = {{0, 0, 8, 8}, {4, 0, 8, 8}, {0, 4, 4, 8}, {2, 0, 4, 4},
                                    {0, 2, 2, 4}, {1, 0, 2, 2}, {0, 1, 1, 2}};
  static constexpr Pass kWhole[] = {{0, 0, 1, 1}};
  std::int64_t bytes = 0;
  for (const Pass& pass : interlaced ? std::span<const Pass>(kAdam7) : std::span<const Pass>(kWhole)) {
    const std::int64_t columns = (std::int64_t{width} - pass.x + pass.dx - 1) / pass.dx;
    const std::int64_t rows = (std::int64_t{height} - pass.y + pass.dy - 1) / pass.dy;
    if (columns > 0 && rows > 0) bytes += rows * (1 + (columns * channels(color) * bits + 7) / 8);
  }
  return bytes;
}

Result<PngChunks> read_png_chunks(Bytes file, const PictureLimits& limits) {
  PngChunks chunks;
  bool has_header = false;
  bool data_ended = false;
  for (std::size_t at = kSignatureBytes; file.size() - at >= kFrameBytes;) {
    const std::size_t length = big_endian_32(file, at);
    if (file.size() - at - kFrameBytes < length) break;
    const std::uint32_t type = big_endian_32(file, at + 4);
    const Bytes data = file.subspan(at + 8, length);
    if (type == name("CgBI")) {
      return unsupported("a PNG that was rewritten for iPhones (CgBI), which is no PNG to other programs");
    }
    const bool is_critical = (type & 0x20000000) == 0;
    if (is_critical && crc32(file.subspan(at + 4, length + 4)) != big_endian_32(file, at + 8 + length)) {
      return damaged("the checksum of a chunk does not match");
    }
    if (has_header == (type == name("IHDR"))) return damaged("its header is not its first chunk");
    if (type == name("IHDR")) {
      if (Status status = read_header(data, limits, chunks); !status.ok()) return status;
      has_header = true;
    } else if (type == name("PLTE")) {
      if (!chunks.palette.empty() || !chunks.data.empty()) return damaged("its palette is not where it should be");
      if (length == 0 || length > 768 || length % 3 != 0) return damaged("its palette has a wrong length");
      chunks.palette.assign(data.begin(), data.end());
    } else if (type == name("IDAT")) {
      if (data_ended) return damaged("its data is not in one piece");
      chunks.data.insert(chunks.data.end(), data.begin(), data.end());
    } else if (type == name("eXIf")) {
      chunks.orientation = exif_orientation(data);
    } else if (type == name("IEND")) {
      if (chunks.data.empty()) return damaged("it has no data");
      return chunks;
    } else if (is_critical) {
      return damaged("it has a critical chunk of an unknown kind");
    }
    data_ended = !chunks.data.empty() && type != name("IDAT");
    at += length + kFrameBytes;
  }
  return damaged("it ends before its last chunk (IEND)");
}

std::vector<std::uint8_t> make_png(const PngChunks& header, Bytes inflated) {
  std::vector<std::uint8_t> png(kSignature, kSignature + kSignatureBytes);
  const auto byte = [](std::uint32_t value, int shift) { return static_cast<std::uint8_t>(value >> shift); };
  const std::uint8_t fields[13] = {byte(header.width, 24),
                                   byte(header.width, 16),
                                   byte(header.width, 8),
                                   byte(header.width, 0),
                                   byte(header.height, 24),
                                   byte(header.height, 16),
                                   byte(header.height, 8),
                                   byte(header.height, 0),
                                   byte(static_cast<std::uint32_t>(header.bits), 0),
                                   static_cast<std::uint8_t>(header.color),
                                   0,
                                   0,
                                   static_cast<std::uint8_t>(header.interlaced ? 1 : 0)};
  append_chunk(png, "IHDR", fields);
  constexpr std::size_t kMostStored = 65535;
  std::vector<std::uint8_t> zlib = {0x78, 0x01};
  zlib.reserve(inflated.size() + inflated.size() / kMostStored * 5 + 16);
  for (std::size_t at = 0; at < inflated.size(); at += kMostStored) {
    const std::size_t some = std::min(kMostStored, inflated.size() - at);
    const auto low = static_cast<std::uint8_t>(some & 255);
    const auto high = static_cast<std::uint8_t>(some >> 8);
    const std::uint8_t is_last = at + some == inflated.size() ? 1 : 0;
    zlib.insert(zlib.end(), {is_last, low, high, static_cast<std::uint8_t>(~low), static_cast<std::uint8_t>(~high)});
    zlib.insert(zlib.end(), inflated.begin() + static_cast<std::ptrdiff_t>(at),
                inflated.begin() + static_cast<std::ptrdiff_t>(at + some));
  }
  zlib.insert(zlib.end(), {0, 0, 0, 0});  // a checksum, which stb_image does not look at
  append_chunk(png, "IDAT", zlib);
  append_chunk(png, "IEND", {});
  return png;
}

}  // namespace intvit
