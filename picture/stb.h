// stb_image, as far as it is trusted: what its callers give it they have checked.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "intvit/picture.h"

namespace intvit {

// The samples of a picture, row by row. An error unless the picture has that size.
Result<std::vector<std::uint8_t>> stb_samples(std::span<const std::uint8_t> file, std::int64_t width,
                                              std::int64_t height, int channels);

// The same in RGB.
Result<Picture> stb_decode(std::span<const std::uint8_t> file, std::int64_t width, std::int64_t height);

#ifdef INTVIT_PICTURES_STB
// How many bytes of `to` the zlib stream fills; -1 if it is damaged or has more.
std::int64_t stb_inflate(std::span<const std::uint8_t> zlib, std::span<std::uint8_t> to);
#endif

}  // namespace intvit
