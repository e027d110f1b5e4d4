// The chunks of a PNG: checked, and what of them makes the picture. For stb_image, which checks no checksums.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "intvit/picture.h"

namespace intvit {

enum class PngColor : std::uint8_t { grey = 0, rgb = 2, palette = 3, grey_alpha = 4, rgb_alpha = 6 };

struct PngChunks {
  std::uint32_t width = 0;
  std::uint32_t height = 0;
  int bits = 0;
  PngColor color = PngColor::grey;
  bool interlaced = false;
  std::vector<std::uint8_t> palette;  // RGB
  std::vector<std::uint8_t> data;     // zlib
  int orientation = 1;

  // Of the data, inflated: every row of every pass, with a byte for its filter.
  std::int64_t inflated_bytes() const;
};

Result<PngChunks> read_png_chunks(std::span<const std::uint8_t> file, const PictureLimits& limits);

// A PNG of nothing but a header, which may differ from what was read, and these data. They are stored, not compressed.
std::vector<std::uint8_t> make_png(const PngChunks& header, std::span<const std::uint8_t> inflated);

}  // namespace intvit
