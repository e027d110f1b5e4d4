#include "converter/errors/channel_error.h"

#include <algorithm>

#include "converter/errors/sample_rows.h"
#include "converter/plan/simulate.h"

namespace intvit {
namespace {

constexpr int kSampleRows = 1024;

}  // namespace

ChannelError::ChannelError(const TensorSamples& samples, int first, std::vector<double> weights, bool mean_counts)
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

std::vector<double> column_powers(const FloatLinear& layer) {
  const auto n = static_cast<std::size_t>(layer.in);
  std::vector<double> powers(n, 0);
  for (std::size_t i = 0; i < layer.weight.size(); ++i) {
    powers[i % n] += static_cast<double>(layer.weight[i]) * layer.weight[i];
  }
  return powers;
}

std::vector<double> channel_powers(const TensorSamples& samples, int first, int count, bool about_mean) {
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
