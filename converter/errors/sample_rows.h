// Rows of a tensor, sampled evenly from all pictures, and what only all rows together can tell.
#pragma once

#include <algorithm>
#include <cmath>
#include <vector>

#include "converter/observe/segment_samples.h"

namespace intvit {

// About `wanted` rows: the first of every picture and every n-th after it. Row-major, samples.cols wide.
inline std::vector<float> sample_rows(const TensorSamples& samples, int wanted) {
  const int count = static_cast<int>(samples.pictures.size());
  const int per_picture = std::clamp(wanted / std::max(count, 1), 1, samples.rows);
  const int stride = std::max(1, samples.rows / per_picture);
  std::vector<float> rows;
  for (const std::vector<float>& picture : samples.pictures) {
    for (int r = 0; r < samples.rows; r += stride) {
      const auto first = picture.begin() + static_cast<std::ptrdiff_t>(r) * samples.cols;
      rows.insert(rows.end(), first, first + samples.cols);
    }
  }
  return rows;
}

// The largest magnitude of every channel, over all rows.
inline std::vector<double> channel_magnitudes(const TensorSamples& samples) {
  const auto channels = static_cast<std::size_t>(samples.cols);
  std::vector<double> magnitudes(channels, 0);
  for (const std::vector<float>& picture : samples.pictures) {
    for (std::size_t i = 0; i < picture.size(); i += channels) {
      for (std::size_t c = 0; c < channels; ++c) {
        magnitudes[c] = std::max(magnitudes[c], static_cast<double>(std::abs(picture[i + c])));
      }
    }
  }
  return magnitudes;
}

}  // namespace intvit
