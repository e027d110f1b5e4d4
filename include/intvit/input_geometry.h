// How a picture of any size becomes the network's input: resize, then crop the centre. Integers only; the converter
// has already turned timm's crop_pct into the edge lengths after the resize.
#pragma once

#include <cstdint>

namespace intvit {

// Values are part of the file format.
enum class Interpolation : std::uint32_t { nearest = 0, bilinear = 1, bicubic = 2, lanczos = 3 };

enum class CropMode : std::uint32_t {
  center = 0,  // keep the aspect ratio: resize until the picture just covers resize_height x resize_width
  squash = 1,  // resize to exactly resize_height x resize_width
  // As center, but the crop begins at half the difference rounded down, as transformers does, not to the nearest even.
  center_floor = 2,
};

struct InputGeometry {
  std::uint32_t height = 0;  // of the network's input, which is the crop
  std::uint32_t width = 0;
  std::uint32_t resize_height = 0;  // int(height / crop_pct); smaller than height (crop_pct > 1) pads with 0
  std::uint32_t resize_width = 0;
  Interpolation interpolation = Interpolation::bicubic;
  CropMode crop_mode = CropMode::center;
};

}  // namespace intvit
