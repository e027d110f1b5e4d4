// Of nodes that move, turn or norm rows.
#include <cmath>

#include "converter/float/node_run.h"
#include "converter/optimise/backward.h"

namespace intvit {
namespace {

void add(const float* from, std::size_t count, float* to) {
  for (std::size_t i = 0; i < count; ++i) to[i] += from[i];
}

// y = (x - mean) / deviation * gamma + beta of `width` values. In doubles, since the two terms nearly cancel.
void norm_backward(const LayerNorm& norm, const float* x, const float* gamma, int width, const float* gradient,
                   float* to) {
  double mean = 0, square = 0;
  for (int i = 0; norm.centred && i < width; ++i) mean += x[i];
  mean /= width;
  for (int i = 0; i < width; ++i) square += (x[i] - mean) * (x[i] - mean);
  const double inverse = 1 / std::sqrt(square / width + norm.eps);
  double sum = 0, along = 0;
  for (int i = 0; i < width; ++i) {
    const double g = double{gradient[i]} * gamma[i];
    sum += g;
    along += g * (x[i] - mean) * inverse;
  }
  if (!norm.centred) sum = 0;
  for (int i = 0; i < width; ++i) {
    const double g = double{gradient[i]} * gamma[i];
    to[i] += static_cast<float>(inverse * (g - sum / width - (x[i] - mean) * inverse * along / width));
  }
}

}  // namespace

void backward(const LayerNorm& norm, const BackwardRun& run) {
  float* to = run.input_gradient(0);
  if (to == nullptr) return;
  const int columns = run.in(0).columns, width = columns / norm.groups;
  for (int row = 0; row < run.out(0).rows; ++row) {
    for (int first = 0; first < columns; first += width) {
      const std::size_t at = area(row, columns) + static_cast<std::size_t>(first);
      const std::size_t from = at + area(norm.first_row, columns);
      norm_backward(norm, run.input(0) + from, norm.norm.gamma.data() + first, width, run.output_gradient(0) + at,
                    to + from);
    }
  }
}

void backward(const MeanRows& mean, const BackwardRun& run) {
  float* to = run.input_gradient(0);
  if (to == nullptr) return;
  const int columns = run.in(0).columns;
  add(run.output_gradient(0), area(mean.copied, columns), to);
  const float* gradient = run.output_gradient(0) + area(mean.copied, columns);
  for (int row = mean.first_row; row < mean.first_row + mean.count; ++row) {
    for (int i = 0; i < columns; ++i) {
      to[area(row, columns) + static_cast<std::size_t>(i)] += gradient[i] / static_cast<float>(mean.count);
    }
  }
}

// Turned back.
void backward(const Rotate& rotate, const BackwardRun& run) {
  float* to = run.input_gradient(0);
  if (to == nullptr) return;
  const Tensor& result = run.out(0);
  const int columns = result.columns, head_dim = result.head_columns(), half = head_dim / 2;
  add(run.output_gradient(0), area(rotate.first_row, columns), to);
  for (int row = rotate.first_row; row < result.rows; ++row) {
    const float* cosine = rotate.cosines.data() + area(row - rotate.first_row, half);
    const float* sine = rotate.sines.data() + area(row - rotate.first_row, half);
    for (int head = 0; head < result.heads; ++head) {
      const std::size_t at = area(row, columns) + static_cast<std::size_t>(head * head_dim);
      const float* gradient = run.output_gradient(0) + at;
      for (int i = 0; i < half; ++i) {
        to[at + static_cast<std::size_t>(i)] += gradient[i] * cosine[i] + gradient[i + half] * sine[i];
        to[at + static_cast<std::size_t>(i + half)] += gradient[i + half] * cosine[i] - gradient[i] * sine[i];
      }
    }
  }
}

void backward(const Gather& gather, const BackwardRun& run) {
  float* to = run.input_gradient(0);
  if (to == nullptr) return;
  const int columns = run.in(0).columns;
  const float* gradient = run.output_gradient(0);
  for (const std::int32_t row : expand(gather.merge)) {
    if (row >= 0) add(gradient, static_cast<std::size_t>(columns), to + area(row, columns));
    gradient += columns;
  }
}

void backward(const Copy&, const BackwardRun& run) {
  if (float* to = run.input_gradient(0)) add(run.output_gradient(0), area(run.in(0).rows, run.in(0).columns), to);
}

}  // namespace intvit
