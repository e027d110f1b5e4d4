#include "converter/families/vit/resize_positions.h"

#include <algorithm>
#include <cmath>
#include <cstddef>

namespace intvit {
namespace {

// What one output is made of: sources from `first` on, clamped to the table.
struct Taps {
  int first = 0;
  std::vector<double> weights;
};

// Keys' cubic. PyTorch takes a = -0.5 with antialiasing, as Pillow does, and a = -0.75 without.
double cubic(double x, double a) {
  x = std::abs(x);
  if (x < 1) return ((a + 2) * x - (a + 3)) * x * x + 1;
  if (x < 2) return (((x - 5) * x + 8) * x - 4) * a;
  return 0;
}

// The filter is widened where the grid becomes smaller, and ends at the table's borders.
Taps antialiased_taps(int output, double scale, int length) {
  const double wide = std::max(scale, 1.0), center = scale * (output + 0.5);
  const int begin = std::max(static_cast<int>(center - 2 * wide + 0.5), 0);
  const int end = std::min(static_cast<int>(center + 2 * wide + 0.5), length);
  Taps taps{begin, {}};
  double sum = 0;
  for (int i = begin; i < end; ++i) {
    taps.weights.push_back(cubic((i - center + 0.5) / wide, -0.5));
    sum += taps.weights.back();
  }
  for (double& weight : taps.weights) weight /= sum;
  return taps;
}

Taps four_taps(int output, double scale) {
  const double at = scale * (output + 0.5) - 0.5, floor = std::floor(at), t = at - floor;
  return {static_cast<int>(floor) - 1,
          {cubic(t + 1, -0.75), cubic(t, -0.75), cubic(1 - t, -0.75), cubic(2 - t, -0.75)}};
}

std::vector<Taps> all_taps(int from, int to, PositionResize how) {
  // DINOv2's code adds 0.1 so that the factor times the old length is not cut off to one less.
  const double scale = from / (how == PositionResize::bicubic_by_factor ? to + 0.1 : static_cast<double>(to));
  std::vector<Taps> taps;
  for (int i = 0; i < to; ++i) {
    taps.push_back(how == PositionResize::bicubic_antialiased ? antialiased_taps(i, scale, from) : four_taps(i, scale));
  }
  return taps;
}

// The middle one of three axes: [outer][from][inner] -> [outer][taps.size()][inner].
std::vector<double> resize_axis(const std::vector<double>& table, std::size_t outer, int from, std::size_t inner,
                                const std::vector<Taps>& taps) {
  std::vector<double> result(outer * taps.size() * inner, 0.0);
  for (std::size_t o = 0; o < outer; ++o) {
    for (std::size_t i = 0; i < taps.size(); ++i) {
      double* to = result.data() + (o * taps.size() + i) * inner;
      for (std::size_t t = 0; t < taps[i].weights.size(); ++t) {
        const int source = std::clamp(taps[i].first + static_cast<int>(t), 0, from - 1);
        const double* row =
            table.data() + (o * static_cast<std::size_t>(from) + static_cast<std::size_t>(source)) * inner;
        for (std::size_t c = 0; c < inner; ++c) to[c] += taps[i].weights[t] * row[c];
      }
    }
  }
  return result;
}

}  // namespace

std::vector<float> resize_positions(std::span<const float> table, int channels, const Grid& from, const Grid& to,
                                    PositionResize how) {
  if (from == to) return {table.begin(), table.end()};
  const auto columns = static_cast<std::size_t>(channels);
  std::vector<double> values(table.begin(), table.end());
  values = resize_axis(values, static_cast<std::size_t>(from.height), from.width, columns,
                       all_taps(from.width, to.width, how));
  values = resize_axis(values, 1, from.height, static_cast<std::size_t>(to.width) * columns,
                       all_taps(from.height, to.height, how));
  return {values.begin(), values.end()};
}

}  // namespace intvit
