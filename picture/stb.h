// stb_image, as far as it is trusted: what its callers give it they have checked.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "intvit/picture.h"

namespace intvit {

// Memory that stb_image forgets to fill has this value, whatever was there before.
struct StbFill {
  std::uint8_t value = 0;
};

// The samples of a picture, row by row. An error unless the picture has that size.
Result<std::vector<std::uint8_t>> stb_samples(std::span<const std::uint8_t> file, std::int64_t width,
                                              std::int64_t height, int channels, StbFill fill = {});

// The same in RGB.
Result<Picture> stb_decode(std::span<const std::uint8_t> file, std::int64_t width, std::int64_t height,
                           StbFill fill = {});

#ifdef INTVIT_PICTURES_STB
// How many bytes of `to` the zlib stream fills; -1 if it is damaged or has more.
std::int64_t stb_inflate(std::span<const std::uint8_t> zlib, std::span<std::uint8_t> to);
#endif

}  // namespace intvit
