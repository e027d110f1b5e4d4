#include "converter/float/pixel_normalisation.h"

namespace intvit {

FloatLinear fold_normalisation(const FloatLinear& patch_embed, const Preprocessing& preprocessing) {
  FloatLinear folded = patch_embed;
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

}  // namespace intvit
