// PNG: RFC 2083. The deflate stream (RFC 1951) has stored blocks alone.
#include "tools/common/pictures/png_writer.h"

#include <algorithm>
#include <array>
#include <string_view>

namespace intvit {
namespace {

constexpr std::size_t kMostStored = 65535;  // bytes of a stored block

void put_u32(std::uint32_t value, std::vector<std::uint8_t>& out) {
  for (int shift = 24; shift >= 0; shift -= 8) out.push_back(static_cast<std::uint8_t>(value >> shift));
}

std::uint32_t crc32(std::span<const std::uint8_t> bytes) {
  std::uint32_t crc = 0xffffffffU;
  for (const std::uint8_t byte : bytes) {
    crc ^= byte;
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ ((crc & 1U) != 0 ? 0xedb88320U : 0U);
  }
  return ~crc;
}

std::uint32_t adler32(std::span<const std::uint8_t> bytes) {
  std::uint32_t a = 1, b = 0;
  for (const std::uint8_t byte : bytes) {
    a = (a + byte) % 65521;
    b = (b + a) % 65521;
  }
  return b << 16 | a;
}

void put_chunk(std::string_view name, std::span<const std::uint8_t> data, std::vector<std::uint8_t>& out) {
  put_u32(static_cast<std::uint32_t>(data.size()), out);
  const std::size_t begin = out.size();
  out.insert(out.end(), name.begin(), name.end());
  out.insert(out.end(), data.begin(), data.end());
  put_u32(crc32(std::span(out).subspan(begin)), out);
}

std::vector<std::uint8_t> stored_stream(std::span<const std::uint8_t> bytes) {
  std::vector<std::uint8_t> out = {0x78, 0x01};
  for (std::size_t i = 0; i < bytes.size(); i += kMostStored) {
    const std::size_t length = std::min(kMostStored, bytes.size() - i);
    const auto low = static_cast<std::uint8_t>(length & 255), high = static_cast<std::uint8_t>(length >> 8);
    out.push_back(i + length == bytes.size() ? 1 : 0);
    out.insert(out.end(), {low, high, static_cast<std::uint8_t>(~low), static_cast<std::uint8_t>(~high)});
    const auto first = bytes.begin() + static_cast<std::ptrdiff_t>(i);
    out.insert(out.end(), first, first + static_cast<std::ptrdiff_t>(length));
  }
  put_u32(adler32(bytes), out);
  return out;
}

std::string base64(std::span<const std::uint8_t> bytes) {
  constexpr std::string_view kDigits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string text;
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    const std::size_t count = std::min<std::size_t>(3, bytes.size() - i);
    std::uint32_t bits = 0;
    for (std::size_t k = 0; k < 3; ++k) bits = bits << 8 | (k < count ? bytes[i + k] : 0U);
    for (std::size_t k = 0; k < 4; ++k) text += k <= count ? kDigits[bits >> (18 - 6 * k) & 63U] : '=';
  }
  return text;
}

}  // namespace

std::vector<std::uint8_t> encode_png(int width, int height, std::span<const std::uint8_t> rgb) {
  const std::size_t row_bytes = static_cast<std::size_t>(width) * 3;
  std::vector<std::uint8_t> rows;
  for (std::size_t y = 0; y < static_cast<std::size_t>(height); ++y) {
    rows.push_back(0);  // no filter
    const auto first = rgb.begin() + static_cast<std::ptrdiff_t>(y * row_bytes);
    rows.insert(rows.end(), first, first + static_cast<std::ptrdiff_t>(row_bytes));
  }
  std::vector<std::uint8_t> out = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n'}, header;
  put_u32(static_cast<std::uint32_t>(width), header);
  put_u32(static_cast<std::uint32_t>(height), header);
  header.insert(header.end(), {8, 2, 0, 0, 0});  // 8 bits, RGB
  put_chunk("IHDR", header, out);
  put_chunk("IDAT", stored_stream(rows), out);
  put_chunk("IEND", {}, out);
  return out;
}

std::string png_data_uri(int width, int height, std::span<const std::uint8_t> rgb) {
  return "data:image/png;base64," + base64(encode_png(width, height, rgb));
}

}  // namespace intvit
