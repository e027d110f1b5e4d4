// The orientation that cameras note in EXIF.
#pragma once

#include <cstdint>
#include <span>

#include "intvit/picture.h"

namespace intvit {

// 1..8; 1 if there is none, or none that can be read. `tiff` begins with the byte order, II or MM.
int exif_orientation(std::span<const std::uint8_t> tiff);

// As EXIF's orientation says, 1 (nothing to do) .. 8.
Picture turn(Picture picture, int orientation);

}  // namespace intvit
