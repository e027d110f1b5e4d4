// Pixels that somebody else owns: 8-bit RGB, three interleaved samples per pixel, rows from top to bottom.
// Not for: other sample types, alpha, colour management.
#pragma once

#include <cstddef>
#include <cstdint>

namespace intvit {

struct PictureView {
  const std::uint8_t* rgb = nullptr;  // the top row's first pixel
  int width = 0;
  int height = 0;
  std::ptrdiff_t stride = 0;  // bytes from one row to the next, at least 3 * width in size; may be negative
};

}  // namespace intvit
