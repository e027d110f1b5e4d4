#include "tests/converter/scheme_errors.h"

#include <cmath>
#include <random>

#include "converter/plan/simulate.h"

using namespace intvit;

TensorSamples uneven_channels(int pictures, int rows, int cols, unsigned seed) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal(0, 1);
  TensorSamples samples{rows, cols, {}};
  for (int p = 0; p < pictures; ++p) {
    std::vector<float>& picture = samples.pictures.emplace_back();
    const float size = 1 + 0.2f * normal(random);
    for (int r = 0; r < rows; ++r) {
      for (int c = 0; c < cols; ++c) {
        const float width = std::exp2(static_cast<float>(c % 7) - 3) * size;
        picture.push_back(c == 0 ? 0 : c == 1 ? 0.75f : width * (normal(random) + static_cast<float>(c % 3 - 1)));
      }
    }
  }
  return samples;
}

double error_of(const ActivationScheme& scheme, const TensorSamples& samples) {
  double error = 0;
  for (const std::vector<float>& picture : samples.pictures) {
    std::vector<float> held = picture;
    simulate(scheme, held.data(), samples.rows, samples.cols, samples.cols);
    for (std::size_t i = 0; i < held.size(); ++i) error += (held[i] - picture[i]) * (held[i] - picture[i]);
  }
  return error;
}

std::vector<double> equal_weights(const TensorSamples& samples) {
  return std::vector<double>(static_cast<std::size_t>(samples.cols), 1.0);
}
