// BMP. Palettes and plain colours are read here: stb_image takes colours from beyond a palette's end. Colours in masks
// of bits are read by stb_image.
#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <string>
#include <utility>

#include "picture/decoder.h"
#include "picture/stb.h"

namespace intvit {
namespace {

using Bytes = std::span<const std::uint8_t>;

constexpr std::size_t kFileHeaderBytes = 14;
constexpr const char* kTruncated = "it ends before its last row";

std::uint32_t little_endian(Bytes bytes, std::size_t at, int count) {
  std::uint32_t value = 0;
  for (int i = count - 1; i >= 0; --i) value = value << 8 | bytes[at + static_cast<std::size_t>(i)];
  return value;
}

struct Header {
  std::int64_t pixels_at = 0;
  std::int64_t header_bytes = 0;
  std::int64_t width = 0;
  std::int64_t height = 0;
  bool top_down = false;
  int bits = 0;
  std::uint32_t compression = 0;
  std::int64_t colors = 0;

  bool is_os2() const { return header_bytes == 12; }
  bool has_masks() const { return compression == 3 || bits == 16; }
  std::int64_t row_bytes() const { return (width * bits + 31) / 32 * 4; }
};

Result<Header> read_header(Bytes file) {
  constexpr std::size_t kLeast = 26;
  if (file.size() < kLeast) return damaged(kTruncated);
  Header header;
  header.pixels_at = little_endian(file, 10, 4);
  header.header_bytes = little_endian(file, 14, 4);
  if (header.is_os2()) {
    header.width = little_endian(file, 18, 2);
    header.height = little_endian(file, 20, 2);
    header.bits = static_cast<int>(little_endian(file, 24, 2));
  } else {
    if (header.header_bytes < 40)
      return unsupported("a BMP whose header has " + std::to_string(header.header_bytes) +
                         " bytes, which this version does not read");
    if (file.size() < kFileHeaderBytes + 40) return damaged(kTruncated);
    header.width = static_cast<std::int32_t>(little_endian(file, 18, 4));
    const auto height = static_cast<std::int32_t>(little_endian(file, 22, 4));
    header.top_down = height < 0;
    header.height = std::abs(std::int64_t{height});
    header.bits = static_cast<int>(little_endian(file, 28, 2));
    header.compression = little_endian(file, 30, 4);
    header.colors = little_endian(file, 46, 4);
  }
  if (header.compression == 1 || header.compression == 2) {
    return unsupported("a BMP with run lengths (RLE), which this version does not read");
  }
  if (header.compression != 0 && header.compression != 3) {
    return unsupported("a BMP with compression " + std::to_string(header.compression) +
                       ", which this version does not read");
  }
  for (const int bits : {1, 4, 8, 16, 24, 32}) {
    if (header.bits == bits) return header;
  }
  return unsupported("a BMP of " + std::to_string(header.bits) + " bits per pixel, which this version does not read");
}

// 256 colours in RGB. Black is what pixels beyond the end of the palette get, as in PNG.
std::vector<std::uint8_t> read_palette(Bytes file, const Header& header) {
  const std::int64_t begin = static_cast<std::int64_t>(kFileHeaderBytes) + header.header_bytes;
  const std::int64_t entry = header.is_os2() ? 3 : 4;
  std::int64_t count = std::int64_t{1} << header.bits;
  if (header.colors > 0) count = std::min(count, header.colors);
  // Pixels that begin earlier end the palette.
  count = std::min(count, (std::min(header.pixels_at, static_cast<std::int64_t>(file.size())) - begin) / entry);
  std::vector<std::uint8_t> palette(256 * 3);
  for (std::int64_t i = 0; i < count; ++i) {
    const std::uint8_t* bgr = file.data() + begin + i * entry;
    for (int c = 0; c < 3; ++c) palette[static_cast<std::size_t>(3 * i + c)] = bgr[2 - c];
  }
  return palette;
}

void read_indexed(const std::uint8_t* src, const Header& header, const std::vector<std::uint8_t>& palette,
                  std::uint8_t* rgb) {
  const int per_byte = 8 / header.bits;
  const int mask = (1 << header.bits) - 1;
  for (std::int64_t x = 0; x < header.width; ++x, rgb += 3) {
    const int shift = header.bits * (per_byte - 1 - static_cast<int>(x % per_byte));
    const int index = (src[x / per_byte] >> shift) & mask;
    std::memcpy(rgb, palette.data() + 3 * index, 3);
  }
}

void read_colors(const std::uint8_t* bgr, const Header& header, std::uint8_t* rgb) {
  for (std::int64_t x = 0; x < header.width; ++x, rgb += 3, bgr += header.bits / 8) {
    rgb[0] = bgr[2];
    rgb[1] = bgr[1];
    rgb[2] = bgr[0];
  }
}

Picture read_rows(Bytes file, const Header& header) {
  Picture picture{static_cast<int>(header.width), static_cast<int>(header.height), {}};
  picture.rgb.resize(static_cast<std::size_t>(header.width * header.height) * 3);
  const std::vector<std::uint8_t> palette = header.bits <= 8 ? read_palette(file, header) : std::vector<std::uint8_t>();
  for (std::int64_t y = 0; y < header.height; ++y) {
    const std::int64_t from = header.top_down ? y : header.height - 1 - y;
    const std::uint8_t* src = file.data() + header.pixels_at + from * header.row_bytes();
    std::uint8_t* rgb = picture.rgb.data() + y * header.width * 3;
    if (header.bits <= 8) {
      read_indexed(src, header, palette, rgb);
    } else {
      read_colors(src, header, rgb);
    }
  }
  return picture;
}

}  // namespace

OpenedDecoder open_bmp(Input& input, const PictureLimits& limits) {
  const Result<Bytes> bytes = input.all();
  if (!bytes.ok()) return bytes.status();
  const Bytes file = bytes.value();
  const Result<Header> read = read_header(file);
  if (!read.ok()) return read.status();
  const Header& header = read.value();
  if (Status status = check_size(header.width, header.height, limits); !status.ok()) return status;
  if (header.pixels_at + header.row_bytes() * header.height > static_cast<std::int64_t>(file.size())) {
    return damaged(kTruncated);
  }
  const std::int64_t memory = header.width * header.height * 3 + input.size();
  if (Status status = check_memory(memory, limits); !status.ok()) return status;
  Result<Picture> picture =
      header.has_masks() ? stb_decode(file, header.width, header.height) : read_rows(file, header);
  if (!picture.ok()) return picture.status();
  return std::unique_ptr<Decoder>(std::make_unique<WholePicture>(picture.take()));
}

}  // namespace intvit
