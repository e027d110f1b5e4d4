#include "converter/equalise/deviations.h"

#include <cmath>

namespace intvit {
namespace {

// A channel that varies less than this share of its own mean is a constant.
constexpr double kStillShare = 1e-4;

}  // namespace

Equalisation deviation_equalisation(const TensorSamples& samples, double exponent) {
  const auto channels = static_cast<std::size_t>(samples.cols);
  std::vector<double> sums(channels, 0), squares(channels, 0);
  double count = 0;
  for (const std::vector<float>& picture : samples.pictures) {
    for (std::size_t i = 0; i < picture.size(); i += channels) {
      for (std::size_t c = 0; c < channels; ++c) {
        const double x = picture[i + c];
        sums[c] += x;
        squares[c] += x * x;
      }
      count += 1;
    }
  }
  std::vector<double> means(channels), deviations(channels);
  double logarithms = 0, live = 0;
  for (std::size_t c = 0; c < channels; ++c) {
    means[c] = sums[c] / count;
    const double variance = squares[c] / count - means[c] * means[c];
    deviations[c] = variance > 0 ? std::sqrt(variance) : 0;
    if (!(deviations[c] > kStillShare * std::abs(means[c]))) deviations[c] = 0;
    if (deviations[c] == 0) continue;
    logarithms += std::log(deviations[c]);
    live += 1;
  }
  const double usual = live > 0 ? std::exp(logarithms / live) : 1;
  Equalisation e;
  for (std::size_t c = 0; c < channels; ++c) {
    e.scale.push_back(deviations[c] > 0 ? std::pow(deviations[c] / usual, exponent) : 1);
    e.offset.push_back(means[c] / e.scale.back());
  }
  return e;
}

}  // namespace intvit
