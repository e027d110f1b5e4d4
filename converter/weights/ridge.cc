#include "converter/weights/ridge.h"

#include <algorithm>

#include "converter/float/parallel.h"
#include "converter/float/vectors/vector_functions.h"
#include "converter/weights/cholesky.h"

namespace intvit {

FloatLinear ridge_corrected(const FloatLinear& layer, const Moments& moments, const std::vector<float>& wanted,
                            const std::vector<double>& wanted_mean, double ridge, int threads) {
  const int n = layer.in, outputs = layer.out;
  const auto size = static_cast<std::size_t>(n);
  double damping = 0;
  for (std::size_t i = 0; i < size; ++i) damping += moments.covariance[i * (size + 1)];
  damping = std::max(ridge * damping / n, 1e-12);
  SquareMatrix factor(size * size);
  for (;;) {
    for (std::size_t i = 0; i < size * size; ++i) factor[i] = moments.covariance[i];
    for (std::size_t i = 0; i < size; ++i) factor[i * (size + 1)] += damping;
    if (cholesky(factor, n, threads)) break;
    damping *= 10;  // float covariances may be off by more than the smallest variance
  }
  const auto dot_floats = vector_functions().dot_floats;
  FloatLinear corrected = layer;
  parallel_for(threads, outputs, [&](int o) {
    float* row = &corrected.weight[static_cast<std::size_t>(o) * size];
    std::vector<double> change(size);  // cov(a, T) - cov(a) w, then (cov(a) + damping)^-1 of it
    for (std::size_t i = 0; i < size; ++i) {
      change[i] = wanted[i * static_cast<std::size_t>(outputs) + static_cast<std::size_t>(o)] -
                  dot_floats(&moments.covariance[i * size], row, n);
    }
    solve_lower(factor, n, change.data());
    double bias = wanted_mean[static_cast<std::size_t>(o)];
    for (std::size_t i = 0; i < size; ++i) {
      row[i] = static_cast<float>(row[i] + change[i]);
      bias -= row[i] * moments.mean[i];
    }
    corrected.bias[static_cast<std::size_t>(o)] = static_cast<float>(bias);
  });
  return corrected;
}

}  // namespace intvit
