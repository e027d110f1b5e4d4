#include "converter/float/pixel_normalisation.h"

#include <cmath>
#include <cstddef>

namespace intvit {

FloatLinear of_bytes(const FloatLinear& of_normalised, const Preprocessing& preprocessing) {
  FloatLinear folded = of_normalised;
  const auto inputs = static_cast<std::size_t>(folded.in);
  for (std::size_t o = 0; o < static_cast<std::size_t>(folded.out); ++o) {
    double bias = folded.bias[o];
    for (std::size_t i = 0; i < inputs; ++i) {
      float& w = folded.weight[o * inputs + i];
      const std::size_t channel = i % 3;
      bias -= w * preprocessing.mean[channel] / preprocessing.stddev[channel];
      w = static_cast<float>(w / (255 * preprocessing.stddev[channel]));
    }
    folded.bias[o] = static_cast<float>(bias);
  }
  return folded;
}

FloatLinear of_normalised(const FloatLinear& of_bytes, const Preprocessing& preprocessing) {
  FloatLinear layer = of_bytes;
  const auto inputs = static_cast<std::size_t>(layer.in);
  for (std::size_t o = 0; o < static_cast<std::size_t>(layer.out); ++o) {
    double bias = layer.bias[o];
    for (std::size_t i = 0; i < inputs; ++i) {
      float& w = layer.weight[o * inputs + i];
      const std::size_t channel = i % 3;
      w = static_cast<float>(w * 255 * preprocessing.stddev[channel]);
      bias += w * preprocessing.mean[channel] / preprocessing.stddev[channel];
    }
    layer.bias[o] = static_cast<float>(bias);
  }
  return layer;
}

void restore_bytes(std::span<float> pixels, const Preprocessing& preprocessing) {
  for (std::size_t i = 0; i < pixels.size(); ++i) {
    const std::size_t channel = i % 3;
    pixels[i] =
        static_cast<float>(std::round((pixels[i] * preprocessing.stddev[channel] + preprocessing.mean[channel]) * 255));
  }
}

}  // namespace intvit
