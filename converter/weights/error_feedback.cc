#include "converter/weights/error_feedback.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <utility>
#include <vector>

#include "converter/float/parallel.h"
#include "converter/plan/rounding.h"
#include "converter/weights/cholesky.h"

namespace intvit {
namespace {

// Share of the mean variance that is added to every variance, so that inputs without variance do no harm. Below 8 bits
// it is more where covariances are those of few rows for each input.
constexpr double kDamping = 0.01, kDampingOfOneRow = 0.3;

// A column's range is searched among widths of 1 + kWidthStep * i, i from -kWidths to kWidths, and then among zero
// points beside the chosen one.
constexpr int kWidths = 2;
constexpr double kWidthStep = 0.06;

// What rounding has to know of a layer's inputs, in the order in which they are rounded.
struct Feedback {
  std::vector<int> order;           // inputs with the largest variance first
  std::vector<float> share;         // [i][j], j > i: the share of input i's error that input j takes over
  std::vector<double> error_power;  // [i] what an error of 1 that is left at input i adds to the error of the output
};

// With H = covariance + damping, `share` of the mean variance, in that order and H = L L^T *from the last input to the
// first*, the error e of input i changes the optimal values of the inputs j after it by -e * U[i][j] / U[i][i], where
// H^-1 = U^T U, U upper triangular, and costs (e / U[i][i])^2. Reversing the order turns that U into the inverse of an
// ordinary Cholesky factor.
Feedback feedback_of(const Moments& moments, double share, int threads) {
  const int n = moments.inputs;
  const auto size = static_cast<std::size_t>(n);
  Feedback result;
  // The errors of inputs with the largest variance have the most others left to make up for them.
  std::vector<int>& order = result.order;
  order.resize(size);
  std::iota(order.begin(), order.end(), 0);
  const auto variance = [&](int i) { return moments.covariance[static_cast<std::size_t>(i) * (size + 1)]; };
  std::stable_sort(order.begin(), order.end(), [&](int a, int b) { return variance(a) > variance(b); });

  double damping = 0;
  for (int i = 0; i < n; ++i) damping += variance(i);
  damping = std::max(share * damping / n, 1e-12);
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
  result.share.resize(size * size, 0);
  result.error_power.resize(size);
  for (std::size_t i = 0; i < size; ++i) {
    const std::size_t row = size - 1 - i;
    const double own = factor[row * size + row];
    result.error_power[i] = 1 / (own * own);
    for (std::size_t j = i + 1; j < size; ++j) {
      result.share[i * size + j] = static_cast<float>(factor[row * size + (size - 1 - j)] / own);
    }
  }
  return result;
}

// A column of weights in the order of rounding, while codes for it are chosen.
class Column {
 public:
  Column(const Feedback& feedback, const float* weights, std::pair<int, int> codes)
      : feedback_(feedback), weights_(feedback.order.size()), limits_(codes) {
    for (std::size_t i = 0; i < weights_.size(); ++i) weights_[i] = weights[feedback.order[i]];
  }

  // Takes these codes if they leave less than the best so far.
  void offer(double step, int zero_point) {
    const auto [lowest, highest] = limits_;
    const std::size_t size = weights_.size();
    target_ = weights_;
    codes_.resize(size);
    double error_power = 0;
    for (std::size_t i = 0; i < size && error_power < least_; ++i) {
      const double code = std::clamp<double>(rounded(target_[i] / step) + zero_point, lowest, highest);
      const auto error = static_cast<float>(target_[i] - step * (code - zero_point));
      codes_[i] = static_cast<std::int16_t>(code);
      error_power += feedback_.error_power[i] * error * error;
      const float* share = &feedback_.share[i * size];
      for (std::size_t j = i + 1; j < size; ++j) target_[j] -= error * share[j];
    }
    if (!(error_power < least_)) return;
    least_ = error_power;
    best_ = codes_;
    step_ = step;
    zero_point_ = zero_point;
  }

  void search(double step, int zero_point) {
    offer(step, zero_point);
    for (int i = -kWidths; i <= kWidths; ++i) {
      if (i != 0) offer(step * (1 + kWidthStep * i), zero_point);
    }
    for (const int beside : {zero_point - 1, zero_point + 1}) {
      if (beside >= limits_.first && beside <= limits_.second) offer(step_, beside);
    }
  }

  // The best codes, as column `c` of `weights`, and a bias that leaves no mean error.
  void put(const Moments& moments, std::size_t c, QuantizedWeights& weights) const {
    weights.scales[c] = step_ / weights.code_weight();
    weights.zero_points[c] = static_cast<std::uint8_t>(zero_point_);
    double bias = 0;
    for (std::size_t i = 0; i < weights_.size(); ++i) {
      const auto input = static_cast<std::size_t>(feedback_.order[i]);
      weights.codes[c * weights_.size() + input] = best_[i];
      bias += (weights_[i] - step_ * (best_[i] - zero_point_)) * moments.mean[input];
    }
    weights.bias_correction[c] = bias;
  }

 private:
  const Feedback& feedback_;
  std::vector<float> weights_, target_;
  std::vector<std::int16_t> codes_, best_;
  const std::pair<int, int> limits_;
  double least_ = std::numeric_limits<double>::infinity(), step_ = 1;
  int zero_point_ = 0;
};

}  // namespace

void round_with_feedback(const FloatLinear& layer, const Moments& moments, WeightRange range, int threads,
                         QuantizedWeights& weights) {
  const bool few_bits = weights.bits < 8;
  const double of_few_rows = few_bits ? kDampingOfOneRow * layer.in / std::max(moments.count, 1.0) : 0;
  const Feedback feedback = feedback_of(moments, std::max(kDamping, of_few_rows), threads);
  parallel_for(threads, layer.out, [&](int task) {
    const auto c = static_cast<std::size_t>(task);
    Column column(feedback, &layer.weight[c * static_cast<std::size_t>(layer.in)], weight_code_range(weights.bits));
    const double step = weights.scales[c] * weights.code_weight();
    if (range == WeightRange::mse && few_bits) {
      column.search(step, weights.zero_points[c]);
    } else {
      column.offer(step, weights.zero_points[c]);
    }
    column.put(moments, c, weights);
  });
}

}  // namespace intvit
