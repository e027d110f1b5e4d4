#include "converter/weights/error_feedback.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "converter/float/parallel.h"
#include "converter/plan/rounding.h"
#include "converter/weights/cholesky.h"

namespace intvit {
namespace {

// Share of the mean variance that is added to every variance, so that inputs without variance do no harm.
constexpr double kDamping = 0.01;

}  // namespace

void round_with_feedback(const FloatLinear& layer, const Moments& moments, int threads, QuantizedWeights& weights) {
  const int n = layer.in;
  const auto size = static_cast<std::size_t>(n);
  // Inputs with the largest variance first: their errors have the most others left to make up for them.
  std::vector<int> order(size);
  std::iota(order.begin(), order.end(), 0);
  const auto variance = [&](int i) { return moments.covariance[static_cast<std::size_t>(i) * (size + 1)]; };
  std::stable_sort(order.begin(), order.end(), [&](int a, int b) { return variance(a) > variance(b); });

  // With H = covariance + damping in that order and H = L L^T *from the last input to the first*, the error e of input
  // i changes the optimal values of the inputs j after it by -e * U[i][j] / U[i][i], where H^-1 = U^T U, U upper
  // triangular. Reversing the order turns that U into the inverse of an ordinary Cholesky factor.
  double damping = 0;
  for (int i = 0; i < n; ++i) damping += variance(i);
  damping = std::max(kDamping * damping / n, 1e-12);
  SquareMatrix factor(size * size);
  const auto reversed = [&](int i) { return order[size - 1 - static_cast<std::size_t>(i)]; };
  for (;;) {
    for (int i = 0; i < n; ++i) {
      for (int j = 0; j < n; ++j) {
        factor[static_cast<std::size_t>(i) * size + static_cast<std::size_t>(j)] =
            moments.covariance[static_cast<std::size_t>(reversed(i)) * size + static_cast<std::size_t>(reversed(j))] +
            (i == j ? damping : 0);
      }
    }
    if (cholesky(factor, n, threads)) break;
    damping *= 10;  // float covariances may be off by more than the smallest variance
  }
  invert_lower(factor, n, threads);
  // feedback[i][j], j > i in rounding order: the share of input i's error that input j takes over.
  std::vector<float> feedback(size * size, 0);
  for (int i = 0; i < n; ++i) {
    const auto row = size - 1 - static_cast<std::size_t>(i);
    for (int j = i + 1; j < n; ++j) {
      const auto column = size - 1 - static_cast<std::size_t>(j);
      feedback[static_cast<std::size_t>(i) * size + static_cast<std::size_t>(j)] =
          static_cast<float>(factor[row * size + column] / factor[row * size + row]);
    }
  }

  const auto [lowest, highest] = weight_code_range(weights.bits);
  const double code_weight = weights.code_weight();
  parallel_for(threads, layer.out, [&, lowest = lowest, highest = highest](int column) {
    const auto c = static_cast<std::size_t>(column);
    const float* original = &layer.weight[c * size];
    std::vector<float> target(size);
    for (std::size_t i = 0; i < size; ++i) target[i] = original[order[i]];
    const double step = weights.scales[c] * code_weight;
    const int zero_point = weights.zero_points[c];
    double bias = 0;
    for (std::size_t i = 0; i < size; ++i) {
      const double code = std::clamp<double>(rounded(target[i] / step) + zero_point, lowest, highest);
      const double rounded = step * (code - zero_point);
      const auto error = static_cast<float>(target[i] - rounded);
      weights.codes[c * size + static_cast<std::size_t>(order[i])] = static_cast<std::int16_t>(code);
      const float* share = &feedback[i * size];
      for (std::size_t j = i + 1; j < size; ++j) target[j] -= error * share[j];
      bias += (original[order[i]] - rounded) * moments.mean[static_cast<std::size_t>(order[i])];
    }
    weights.bias_correction[c] = bias;
  });
}

}  // namespace intvit
