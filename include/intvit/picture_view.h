// Pixels that somebody else owns: 8 bits a sample, interleaved, rows from top to bottom.
// Not for: other sample types, colour management. Alpha is dropped, not blended.
#pragma once

#include <cstddef>
#include <cstdint>

namespace intvit {

// The samples of a pixel, in the order of memory. Grey becomes three equal samples.
enum class PixelFormat : int { rgb = 0, bgr = 1, rgba = 2, bgra = 3, grey = 4 };
inline constexpr int kPixelFormatCount = 5;

constexpr int bytes_per_pixel(PixelFormat format) {
  return format == PixelFormat::grey ? 1 : format == PixelFormat::rgba || format == PixelFormat::bgra ? 4 : 3;
}

struct PictureView {
  const std::uint8_t* pixels = nullptr;  // the top row's first pixel
  int width = 0;
  int height = 0;
  // Bytes from one row to the next, at least bytes_per_pixel(format) * width in size; may be negative.
  std::ptrdiff_t stride = 0;
  PixelFormat format = PixelFormat::rgb;
};

}  // namespace intvit
