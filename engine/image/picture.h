// A picture that owns its pixels.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "intvit/picture_view.h"

namespace intvit {

struct Picture {
  int width = 0;
  int height = 0;
  std::vector<std::uint8_t> rgb;  // height * width * 3, no padding

  PictureView view() const { return {rgb.data(), width, height, static_cast<std::ptrdiff_t>(width) * 3}; }
};

}  // namespace intvit
