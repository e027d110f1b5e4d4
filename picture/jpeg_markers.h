// The markers of a JPEG, checked before stb_image sees them: it writes beyond its arrays when a Huffman table has too
// many codes, uses tables that were never defined, and fills in components that no scan has.
#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "intvit/picture.h"

namespace intvit {

struct JpegComponent {
  std::uint8_t id = 0;
  int horizontal = 1;  // sampling factors
  int vertical = 1;
};

struct JpegMarkers {
  bool has_frame = false;
  bool is_progressive = false;
  std::int64_t width = 0;
  std::int64_t height = 0;
  int count = 0;  // of components, of which only those that are read are kept
  std::array<JpegComponent, 4> components;
  std::int64_t blocks = 0;

  bool has_jfif = false;
  int adobe_transform = -1;  // -1: no Adobe marker
  std::int64_t scans = 0;
  int orientation = 1;
};

// Walks the markers to the end-of-image marker.
Result<JpegMarkers> read_jpeg_markers(std::span<const std::uint8_t> file, const PictureLimits& limits);

}  // namespace intvit
