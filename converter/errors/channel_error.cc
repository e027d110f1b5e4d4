#include "converter/errors/channel_error.h"

#include <algorithm>
#include <cmath>

#include "converter/errors/sample_rows.h"
#include "converter/float/parallel.h"
#include "converter/plan/simulate.h"
#include "converter/quantizers/uniform.h"

namespace intvit {
namespace {

constexpr int kSampleRows = 1024;

// Ranges shrink by this factor, this many times.
constexpr double kShrink = 0.88;
constexpr int kShrinks = 18;
// Ends that are tried on their own, around the best common factor.
constexpr int kNeighbours = 3;

}  // namespace

ChannelError::ChannelError(const SiteSamples& samples, int first, std::vector<double> weights, bool mean_counts)
    : cols_(static_cast<int>(weights.size())), mean_counts_(mean_counts), weights_(std::move(weights)) {
  const std::vector<float> rows = sample_rows(samples, kSampleRows);
  rows_ = static_cast<int>(rows.size()) / samples.cols;
  for (int r = 0; r < rows_; ++r) {
    const auto row = rows.begin() + static_cast<std::ptrdiff_t>(r) * samples.cols + first;
    samples_.insert(samples_.end(), row, row + cols_);
  }
  for (const std::vector<float>& picture : samples.pictures) {
    for (std::size_t i = static_cast<std::size_t>(first); i < picture.size();
         i += static_cast<std::size_t>(samples.cols)) {
      for (std::size_t c = 0; c < weights_.size(); ++c) {
        low_ = std::min<double>(low_, picture[i + c]);
        high_ = std::max<double>(high_, picture[i + c]);
      }
    }
  }
}

double ChannelError::of(const ActivationScheme& scheme) const {
  const auto n = static_cast<std::size_t>(cols_);
  std::vector<float> held = samples_;
  simulate(scheme, held.data(), rows_, cols_, cols_);
  std::vector<double> sums(n, 0), squares(n, 0);
  for (std::size_t i = 0; i < held.size(); i += n) {
    for (std::size_t c = 0; c < n; ++c) {
      const double difference = static_cast<double>(samples_[i + c]) - held[i + c];
      sums[c] += difference;
      squares[c] += difference * difference;
    }
  }
  double error = 0;
  for (std::size_t c = 0; c < n; ++c) {
    error += weights_[c] * (squares[c] - (mean_counts_ ? 0 : sums[c] * sums[c] / rows_));
  }
  return error;
}

ActivationScheme ChannelError::choose(const std::vector<ActivationScheme>& candidates, int threads) const {
  std::vector<double> errors(candidates.size());
  parallel_for(threads, static_cast<int>(candidates.size()),
               [&](int i) { errors[static_cast<std::size_t>(i)] = of(candidates[static_cast<std::size_t>(i)]); });
  return candidates[static_cast<std::size_t>(std::min_element(errors.begin(), errors.end()) - errors.begin())];
}

ActivationScheme ChannelError::choose_uniform(int bits, int threads) const {
  const auto ranges = [&](const std::vector<std::pair<int, int>>& shrinks) {
    std::vector<ActivationScheme> candidates;
    for (const auto& [below, above] : shrinks) {
      candidates.push_back(
          uniform(uniform_scheme(low_ * std::pow(kShrink, below), high_ * std::pow(kShrink, above), bits)));
    }
    return candidates;
  };
  // Both ends together, then either end on its own.
  std::vector<std::pair<int, int>> shrinks;
  std::vector<double> errors;
  for (int i = 0; i < kShrinks; ++i) shrinks.emplace_back(i, i);
  const std::vector<ActivationScheme> together = ranges(shrinks);
  errors.resize(together.size());
  parallel_for(threads, kShrinks,
               [&](int i) { errors[static_cast<std::size_t>(i)] = of(together[static_cast<std::size_t>(i)]); });
  const int best = static_cast<int>(std::min_element(errors.begin(), errors.end()) - errors.begin());
  shrinks = {{best, best}};
  for (int i = -kNeighbours; i <= kNeighbours; ++i) {
    for (int j = -kNeighbours; j <= kNeighbours; ++j) {
      if (i != j && best + i >= 0 && best + j >= 0) shrinks.emplace_back(best + i, best + j);
    }
  }
  // One-sided values, as behind GELU: the small end stays as it is.
  for (int i = 0; i < kShrinks; ++i) {
    shrinks.emplace_back(0, i);
    shrinks.emplace_back(i, 0);
  }
  return choose(ranges(shrinks), threads);
}

std::vector<double> column_powers(const FloatLinear& layer) {
  const auto n = static_cast<std::size_t>(layer.in);
  std::vector<double> powers(n, 0);
  for (std::size_t i = 0; i < layer.weight.size(); ++i) {
    powers[i % n] += static_cast<double>(layer.weight[i]) * layer.weight[i];
  }
  return powers;
}

std::vector<double> channel_powers(const SiteSamples& samples, int first, int count, bool about_mean) {
  const std::vector<float> rows = sample_rows(samples, kSampleRows);
  const auto n = static_cast<std::size_t>(count);
  std::vector<double> sums(n, 0), squares(n, 0);
  double seen = 0;
  for (std::size_t i = static_cast<std::size_t>(first); i < rows.size(); i += static_cast<std::size_t>(samples.cols)) {
    for (std::size_t c = 0; c < n; ++c) {
      const double x = rows[i + c];
      sums[c] += x;
      squares[c] += x * x;
    }
    seen += 1;
  }
  for (std::size_t c = 0; c < n; ++c) {
    squares[c] = (squares[c] - (about_mean ? sums[c] * sums[c] / seen : 0)) / seen;
  }
  return squares;
}

}  // namespace intvit
