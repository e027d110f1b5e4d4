#include "converter/quantizers/input_error.h"

#include "converter/float/parallel.h"
#include "converter/quantizers/sample_rows.h"
#include "converter/simulate.h"

namespace intvit {
namespace {

constexpr int kSampleRows = 1024;

}  // namespace

InputError::InputError(const SiteSamples& inputs, const FloatLinear& layer)
    : cols_(inputs.cols), samples_(sample_rows(inputs, kSampleRows)), weights_(static_cast<std::size_t>(inputs.cols)) {
  const auto n = static_cast<std::size_t>(cols_);
  rows_ = static_cast<int>(samples_.size() / n);
  for (std::size_t i = 0; i < layer.weight.size(); ++i) {
    weights_[i % n] += static_cast<double>(layer.weight[i]) * layer.weight[i];
  }
}

double InputError::of(const ActivationScheme& scheme) const {
  const auto n = static_cast<std::size_t>(cols_);
  std::vector<float> held = samples_;
  simulate(scheme, held.data(), rows_, cols_, cols_);
  std::vector<double> sums(n, 0), squares(n, 0);
  for (std::size_t i = 0; i < held.size(); ++i) {
    const double difference = static_cast<double>(samples_[i]) - held[i];
    sums[i % n] += difference;
    squares[i % n] += difference * difference;
  }
  double error = 0;
  for (std::size_t c = 0; c < n; ++c) error += weights_[c] * (squares[c] - sums[c] * sums[c] / rows_);
  return error;
}

ActivationScheme InputError::choose(const std::vector<ActivationScheme>& candidates, int threads) const {
  std::vector<double> errors(candidates.size());
  parallel_for(threads, static_cast<int>(candidates.size()),
               [&](int i) { errors[static_cast<std::size_t>(i)] = of(candidates[static_cast<std::size_t>(i)]); });
  return candidates[static_cast<std::size_t>(std::min_element(errors.begin(), errors.end()) - errors.begin())];
}

}  // namespace intvit
