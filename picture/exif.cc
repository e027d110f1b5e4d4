#include "picture/exif.h"

#include <cstring>
#include <utility>

namespace intvit {
namespace {

constexpr std::uint32_t kOrientation = 0x0112;
constexpr std::uint32_t kShort = 3;

}  // namespace

int exif_orientation(std::span<const std::uint8_t> tiff) {
  if (tiff.size() < 8 || tiff[0] != tiff[1] || (tiff[0] != 'I' && tiff[0] != 'M')) return 1;
  const bool little = tiff[0] == 'I';
  const auto number = [&](std::size_t at, std::size_t count) {
    std::uint32_t value = 0;
    for (std::size_t i = 0; i < count; ++i) value = value << 8 | tiff[at + (little ? count - 1 - i : i)];
    return value;
  };
  if (number(2, 2) != 42) return 1;
  std::size_t at = number(4, 4);
  if (at > tiff.size() - 2) return 1;
  const std::size_t entries = number(at, 2);
  at += 2;
  for (std::size_t i = 0; i < entries && tiff.size() - at >= 12; ++i, at += 12) {
    if (number(at, 2) != kOrientation) continue;
    const std::uint32_t value = number(at + 8, 2);
    return number(at + 2, 2) == kShort && value >= 1 && value <= 8 ? static_cast<int>(value) : 1;
  }
  return 1;
}

Picture turn(Picture picture, int orientation) {
  if (orientation <= 1 || orientation > 8) return picture;
  const bool transposed = orientation >= 5;
  Picture turned{picture.width, picture.height, {}};
  if (transposed) std::swap(turned.width, turned.height);
  turned.rgb.resize(picture.rgb.size());
  std::uint8_t* dst = turned.rgb.data();
  for (int y = 0; y < turned.height; ++y) {
    for (int x = 0; x < turned.width; ++x, dst += 3) {
      int from_x = transposed ? y : x;
      int from_y = transposed ? x : y;
      if (orientation == 2 || orientation == 3 || orientation == 7 || orientation == 8) {
        from_x = picture.width - 1 - from_x;
      }
      if (orientation == 3 || orientation == 4 || orientation == 6 || orientation == 7) {
        from_y = picture.height - 1 - from_y;
      }
      std::memcpy(dst, picture.rgb.data() + (static_cast<std::ptrdiff_t>(from_y) * picture.width + from_x) * 3, 3);
    }
  }
  return turned;
}

}  // namespace intvit
