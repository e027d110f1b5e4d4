// Samples of a site whose channels differ, for tests of what is chosen channel by channel.
#pragma once

#include <random>
#include <vector>

#include "converter/errors/sample_rows.h"

namespace intvit {

// Rows whose channels differ in range and mean; channel 3 is constant, channel 5 constantly zero.
inline TensorSamples uneven_samples(int rows, int cols) {
  std::mt19937 random(11);
  std::normal_distribution<float> normal(0, 1);
  TensorSamples samples{rows, cols, {}};
  for (int picture = 0; picture < 4; ++picture) {
    std::vector<float> data;
    for (int r = 0; r < rows; ++r) {
      for (int c = 0; c < cols; ++c) {
        const float wide = c % 7 == 2 ? 12.0f : 0.2f + 0.1f * static_cast<float>(c % 5);
        data.push_back(c == 3 ? 1.75f : c == 5 ? 0.0f : wide * normal(random) + static_cast<float>(c % 3) - 1.0f);
      }
    }
    samples.pictures.push_back(data);
  }
  return samples;
}

}  // namespace intvit
