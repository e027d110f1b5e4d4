// How a picture becomes the network's input: values that travel with the weights, never assumptions. Plain data in
// timm's terms; the converter turns it into integers and engine/image/ carries it out.
#pragma once

#include <array>
#include <string>

namespace intvit {

struct Preprocessing {
  int height = 224;  // pixels after the crop
  int width = 224;
  double crop_pct = 0.875;  // crop edge / edge after the resize
  // center: the shortest edge is resized; squash: both edges are; center_floor: as center, cropped as transformers does
  std::string crop_mode = "center";
  std::string interpolation = "bicubic";               // nearest, bilinear, bicubic, lanczos
  std::array<double, 3> mean = {0.485, 0.456, 0.406};  // of RGB in [0, 1]
  std::array<double, 3> stddev = {0.229, 0.224, 0.225};
};

}  // namespace intvit
