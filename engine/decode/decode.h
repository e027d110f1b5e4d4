// Picture files to 8-bit RGB: JPEG (baseline and progressive), PNG, BMP, by stb_image.
//
// Grey becomes three equal samples, a palette its colours; alpha is dropped as Pillow's convert("RGB") drops it; 16-bit
// PNG keeps the upper byte. PNG and BMP are lossless: equal to Pillow's. JPEG decoders differ by a grey level or so.
// EXIF rotation and colour profiles are ignored, as Pillow and torchvision ignore them.
//
// This is part of the tools, not of the integer-only runtime.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "engine/image/picture.h"
#include "intvit/status.h"

namespace intvit {

// `name` is what messages call the picture.
Result<Picture> decode_picture(std::span<const std::uint8_t> bytes, std::string_view name);

Result<Picture> read_picture(const std::string& path);

}  // namespace intvit
