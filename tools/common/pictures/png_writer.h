// Pixels -> the bytes of a PNG, without a library and without compression: for small pictures that the tools draw.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace intvit {

// `rgb` is [height][width][3]; edges are 1 .. 16384.
std::vector<std::uint8_t> encode_png(int width, int height, std::span<const std::uint8_t> rgb);

// The same as the source of an <img>, "data:image/png;base64,...".
std::string png_data_uri(int width, int height, std::span<const std::uint8_t> rgb);

}  // namespace intvit
