#include "engine/decode/decode.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <cstdio>
#include <memory>
#include <new>
#include <system_error>

#include "engine/image/resample_weights.h"

#define STB_IMAGE_IMPLEMENTATION
#define STB_IMAGE_STATIC
#define STBI_ONLY_JPEG
#define STBI_ONLY_PNG
#define STBI_ONLY_BMP
#define STBI_NO_HDR
#define STBI_NO_LINEAR
#define STBI_NO_STDIO
#define STBI_FAILURE_USERMSG
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wunused-function"
#pragma GCC diagnostic ignored "-Wunused-parameter"
#pragma GCC diagnostic ignored "-Wsign-compare"
#pragma GCC diagnostic ignored "-Wmissing-field-initializers"
#pragma GCC diagnostic ignored "-Wshadow"
#pragma GCC diagnostic ignored "-Wpedantic"
#pragma GCC diagnostic ignored "-Wundef"
#pragma GCC diagnostic ignored "-Wold-style-cast"
#include <stb/stb_image.h>
#pragma GCC diagnostic pop

namespace intvit {
namespace {

constexpr int kChannels = 3;
constexpr std::int64_t kMaxPixels = 178956970;  // where Pillow refuses a decompression bomb
constexpr std::size_t kMaxFileBytes = std::size_t{1} << 30;

using Bytes = std::span<const std::uint8_t>;

template <std::size_t n>
bool starts_with(Bytes bytes, const std::array<std::uint8_t, n>& magic) {
  return bytes.size() >= n && std::equal(magic.begin(), magic.end(), bytes.begin());
}

constexpr std::array<std::uint8_t, 3> kJpegMagic = {0xff, 0xd8, 0xff};
constexpr std::array<std::uint8_t, 8> kPngMagic = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n'};
constexpr std::array<std::uint8_t, 2> kBmpMagic = {'B', 'M'};

std::uint32_t big_endian_32(Bytes bytes, std::size_t at) {
  return static_cast<std::uint32_t>(bytes[at]) << 24 | static_cast<std::uint32_t>(bytes[at + 1]) << 16 |
         static_cast<std::uint32_t>(bytes[at + 2]) << 8 | bytes[at + 3];
}

// stb_image fills in what a truncated JPEG or BMP lacks, and checks no PNG checksum; a picture that is not what its
// author saved must not be classified as if it were. These three return what is wrong, or nullptr.

std::uint32_t big_endian_16(Bytes bytes, std::size_t at) {
  return static_cast<std::uint32_t>(bytes[at]) << 8 | bytes[at + 1];
}

// What a JPEG's segments have defined so far. stb_image 2.27 writes beyond its arrays when a Huffman table has more
// than 256 codes, and uses tables that were never defined; so nothing of that kind may reach it.
struct JpegTables {
  unsigned huffman = 0;       // bit class * 4 + id, class 0 for DC and 1 for AC
  unsigned quantization = 0;  // bit id
  unsigned quantization_used = 0;
  bool has_frame = false;
  bool is_progressive = false;

  // Each looks at a segment without its length field; false if it is damaged.
  bool add_huffman(Bytes segment) {
    while (!segment.empty()) {
      if (segment.size() < 17 || (segment[0] >> 4) > 1 || (segment[0] & 15) > 3) return false;
      std::size_t codes = 0;
      for (std::size_t i = 1; i <= 16; ++i) codes += segment[i];
      if (codes > 256 || segment.size() < 17 + codes) return false;
      huffman |= 1u << ((segment[0] >> 4) * 4 + (segment[0] & 3));
      segment = segment.subspan(17 + codes);
    }
    return true;
  }

  bool add_quantization(Bytes segment) {
    while (!segment.empty()) {
      const std::size_t size = (segment[0] >> 4) == 0 ? 65 : 129;
      if ((segment[0] >> 4) > 1 || (segment[0] & 15) > 3 || segment.size() < size) return false;
      quantization |= 1u << (segment[0] & 3);
      segment = segment.subspan(size);
    }
    return true;
  }

  bool add_frame(Bytes segment, bool progressive) {
    if (has_frame || segment.size() < 6 || segment.size() != 6 + std::size_t{3} * segment[5]) return false;
    for (std::size_t i = 8; i < segment.size(); i += 3) {
      if (segment[i] > 3) return false;
      quantization_used |= 1u << segment[i];
    }
    has_frame = true;
    is_progressive = progressive;
    return true;
  }

  bool add_scan(Bytes segment) const {
    if (!has_frame || (quantization_used & ~quantization) != 0) return false;
    if (segment.empty() || segment.size() != 4 + std::size_t{2} * segment[0]) return false;
    const bool needs_dc = !is_progressive || segment[segment.size() - 3] == 0;
    const bool needs_ac = !is_progressive || segment[segment.size() - 3] != 0;
    for (std::size_t i = 2; i + 3 < segment.size(); i += 2) {
      const unsigned dc = segment[i] >> 4;
      const unsigned ac = segment[i] & 15;
      if (dc > 3 || ac > 3) return false;
      if (needs_dc && (huffman & (1u << dc)) == 0) return false;
      if (needs_ac && (huffman & (1u << (4 + ac))) == 0) return false;
    }
    return true;
  }
};

// Walks the markers to the end-of-image marker.
const char* jpeg_damage(Bytes bytes) {
  constexpr const char* kTruncated = "it ends before its end-of-image marker";
  JpegTables tables;
  std::size_t at = 2;
  bool in_scan = false;
  while (at + 1 < bytes.size()) {
    if (bytes[at] != 0xff) {
      if (!in_scan) return "it has no marker where one must be";
      ++at;
      continue;
    }
    const std::uint8_t marker = bytes[at + 1];
    if (marker == 0xff) {  // a fill byte
      ++at;
      continue;
    }
    at += 2;
    if (marker == 0x00 || marker == 0x01 || (marker >= 0xd0 && marker <= 0xd7)) continue;  // stuffed byte, restart
    if (marker == 0xd9) return nullptr;
    if (bytes.size() - at < 2) return kTruncated;
    const std::size_t length = big_endian_16(bytes, at);
    if (length < 2) return "a segment has an impossible length";
    if (bytes.size() - at < length) return kTruncated;
    const Bytes segment = bytes.subspan(at + 2, length - 2);
    in_scan = marker == 0xda;
    if (marker == 0xc4 && !tables.add_huffman(segment)) return "a Huffman table is impossible";
    if (marker == 0xdb && !tables.add_quantization(segment)) return "a quantization table is impossible";
    if (marker >= 0xc0 && marker <= 0xc2 && !tables.add_frame(segment, marker == 0xc2))
      return "its frame header is wrong";
    if (in_scan && tables.has_frame && !tables.add_scan(segment)) return "a scan uses tables that are not there";
    at += length;
  }
  return kTruncated;
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

// Walks the chunks to IEND and verifies the checksums of those that carry the picture (capital first letter).
const char* png_damage(Bytes bytes) {
  constexpr const char* kTruncated = "it ends before its last chunk (IEND)";
  std::size_t at = kPngMagic.size();
  while (bytes.size() - at >= 12) {
    const std::size_t length = big_endian_32(bytes, at);
    if (bytes.size() - at - 12 < length) return kTruncated;
    const std::uint32_t type = big_endian_32(bytes, at + 4);
    const bool is_critical = (type & 0x20000000) == 0;
    if (is_critical && crc32(bytes.subspan(at + 4, length + 4)) != big_endian_32(bytes, at + 8 + length)) {
      return "the checksum of a chunk does not match";
    }
    if (type == 0x49454e44) return nullptr;  // IEND
    at += length + 12;
  }
  return kTruncated;
}

std::uint32_t little_endian(Bytes bytes, std::size_t at, int count) {
  std::uint32_t value = 0;
  for (int i = count - 1; i >= 0; --i) value = value << 8 | bytes[at + static_cast<std::size_t>(i)];
  return value;
}

// Uncompressed rows, each padded to four bytes, must all be there. What is compressed stb_image does not read anyway.
const char* bmp_damage(Bytes bytes) {
  constexpr const char* kTruncated = "it ends before its last row";
  if (bytes.size() < 26) return kTruncated;
  const bool is_old = little_endian(bytes, 14, 4) == 12;  // OS/2, with 16-bit sizes
  if (!is_old && bytes.size() < 34) return kTruncated;
  const std::int64_t width = is_old ? little_endian(bytes, 18, 2) : little_endian(bytes, 18, 4);
  const auto signed_height =
      static_cast<std::int32_t>(is_old ? little_endian(bytes, 20, 2) : little_endian(bytes, 22, 4));
  const std::int64_t height = signed_height < 0 ? -std::int64_t{signed_height} : signed_height;  // negative: top down
  const std::int64_t bits = little_endian(bytes, is_old ? 24 : 28, 2);
  const std::uint32_t compression = is_old ? 0 : little_endian(bytes, 30, 4);
  if (compression != 0 && compression != 3) return nullptr;
  if (width > kMaxPictureEdge || height > kMaxPictureEdge) return nullptr;  // refused for its size, later
  const std::int64_t row_bytes = (width * bits + 31) / 32 * 4;
  const std::int64_t begin = little_endian(bytes, 10, 4);
  return begin + row_bytes * height > static_cast<std::int64_t>(bytes.size()) ? kTruncated : nullptr;
}

std::string stb_reason() {
  const char* reason = stbi_failure_reason();
  return reason != nullptr ? reason : "unknown reason";
}

// stb_image says "... not supported" of JPEG and PNG variants that it does not read.
Code stb_code(const std::string& reason) {
  if (reason == "Out of memory") return Code::out_of_memory;
  const bool is_variant = reason.find("not supported") != std::string::npos;
  return is_variant ? Code::unsupported : Code::corrupt_file;
}

struct FileCloser {
  void operator()(std::FILE* file) const { std::fclose(file); }
};

struct StbFree {
  void operator()(stbi_uc* pixels) const { stbi_image_free(pixels); }
};

Status out_of_memory(std::string_view name) {
  return {Code::out_of_memory, std::string(name) + ": out of memory while reading the picture"};
}

}  // namespace

Result<Picture> decode_picture(std::span<const std::uint8_t> bytes, std::string_view name) try {
  const std::string prefix = std::string(name) + ": ";
  if (bytes.empty()) return {Code::corrupt_file, prefix + "the file is empty; expected a JPEG, PNG or BMP picture"};
  if (bytes.size() > kMaxFileBytes) {
    return {Code::unsupported, prefix + "the file has " + std::to_string(bytes.size()) + " bytes; allowed are " +
                                   std::to_string(kMaxFileBytes)};
  }
  const bool is_jpeg = starts_with(bytes, kJpegMagic);
  const bool is_png = starts_with(bytes, kPngMagic);
  if (!is_jpeg && !is_png && !starts_with(bytes, kBmpMagic)) {
    return {Code::unsupported, prefix + "not a picture that this version reads (JPEG, PNG, BMP)"};
  }
  if (const char* damage = is_jpeg ? jpeg_damage(bytes) : is_png ? png_damage(bytes) : bmp_damage(bytes)) {
    return {Code::corrupt_file, prefix + "the picture is damaged: " + damage};
  }

  // The header alone first, so that a hostile one cannot make the decoder allocate gigabytes.
  const int length = static_cast<int>(bytes.size());
  int width = 0;
  int height = 0;
  int file_channels = 0;
  if (stbi_info_from_memory(bytes.data(), length, &width, &height, &file_channels) == 0) {
    const std::string reason = stb_reason();
    return {stb_code(reason), prefix + "the picture's header cannot be read: " + reason};
  }
  const std::int64_t pixels = std::int64_t{width} * height;
  if (width < 1 || height < 1 || width > kMaxPictureEdge || height > kMaxPictureEdge || pixels > kMaxPixels) {
    return {Code::unsupported, prefix + "a picture of " + std::to_string(width) + " x " + std::to_string(height) +
                                   " pixels; allowed are edges of 1.." + std::to_string(kMaxPictureEdge) +
                                   " and at most " + std::to_string(kMaxPixels) + " pixels"};
  }
  const std::unique_ptr<stbi_uc, StbFree> rgb(
      stbi_load_from_memory(bytes.data(), length, &width, &height, &file_channels, kChannels));
  if (rgb == nullptr) {
    const std::string reason = stb_reason();
    const Code code = stb_code(reason);
    if (code == Code::out_of_memory) return out_of_memory(name);
    return {code, prefix + "the picture is damaged or of a kind that this version does not read: " + reason};
  }
  Picture picture{width, height, {}};
  picture.rgb.assign(rgb.get(), rgb.get() + pixels * kChannels);
  return picture;
} catch (const std::bad_alloc&) {
  return out_of_memory(name);
}

Result<Picture> read_picture(const std::string& path) try {
  const auto system_error = [&path](int error) {
    return Status(error == ENOENT || error == ENOTDIR ? Code::not_found : Code::io,
                  path + ": " + std::generic_category().message(error));
  };
  const std::unique_ptr<std::FILE, FileCloser> file(std::fopen(path.c_str(), "rb"));
  if (file == nullptr) return system_error(errno);
  std::vector<std::uint8_t> bytes;
  constexpr std::size_t kBlock = std::size_t{1} << 18;
  std::size_t used = 0;
  for (std::size_t got = kBlock; got == kBlock && used <= kMaxFileBytes; used += got) {
    bytes.resize(used + kBlock);
    got = std::fread(bytes.data() + used, 1, kBlock, file.get());
  }
  if (std::ferror(file.get()) != 0) return system_error(errno);
  return decode_picture({bytes.data(), used}, path);
} catch (const std::bad_alloc&) {
  return out_of_memory(path);
}

}  // namespace intvit
