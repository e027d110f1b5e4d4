#include "converter/quantizers/output_error.h"

#include <algorithm>

#include "converter/float/layers.h"
#include "converter/float/parallel.h"
#include "converter/simulate.h"

namespace intvit {

std::vector<double> channel_importance(const FloatLinear& layer) {
  const auto inputs = static_cast<std::size_t>(layer.in);
  std::vector<double> importance(inputs, 0);
  double sum = 0;
  for (std::size_t i = 0; i < layer.weight.size(); ++i) {
    const double square = static_cast<double>(layer.weight[i]) * layer.weight[i];
    importance[i % inputs] += square;
    sum += square;
  }
  if (!(sum > 0)) return std::vector<double>(inputs, 1.0);
  for (double& value : importance) value *= static_cast<double>(inputs) / sum;
  return importance;
}

double relative_input_error(const ActivationScheme& scheme, const SiteSamples& samples,
                            const std::vector<double>& importance) {
  const auto cols = static_cast<std::size_t>(samples.cols);
  double error = 0, signal = 0;
  for (const std::vector<float>& picture : samples.pictures) {
    std::vector<float> held = picture;
    simulate(scheme, held.data(), samples.rows, samples.cols, samples.cols);
    for (std::size_t i = 0; i < held.size(); ++i) {
      const double x = picture[i], difference = x - held[i];
      error += importance[i % cols] * difference * difference;
      signal += importance[i % cols] * x * x;
    }
  }
  return signal > 0 ? error / signal : 0;
}

namespace {

// Sum of squares around each column's mean.
double scatter(const std::vector<float>& rows, int cols) {
  const auto width = static_cast<std::size_t>(cols);
  std::vector<double> sum(width, 0);
  double squares = 0;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    sum[i % width] += rows[i];
    squares += static_cast<double>(rows[i]) * rows[i];
  }
  const double count = static_cast<double>(rows.size() / width);
  for (const double s : sum) squares -= s * s / count;
  return std::max(squares, 0.0);
}

}  // namespace

double relative_output_error(const ActivationScheme& scheme, const SiteSamples& samples, const FloatLinear& layer,
                             int stride) {
  std::vector<float> exact, error;
  for (std::size_t i = 0; i < samples.pictures.size(); i += static_cast<std::size_t>(stride)) {
    const std::vector<float>& picture = samples.pictures[i];
    std::vector<float> held = picture;
    simulate(scheme, held.data(), samples.rows, samples.cols, samples.cols);
    for (std::size_t k = 0; k < held.size(); ++k) held[k] -= picture[k];
    exact.insert(exact.end(), picture.begin(), picture.end());
    error.insert(error.end(), held.begin(), held.end());
  }
  const int rows = static_cast<int>(exact.size() / static_cast<std::size_t>(samples.cols));
  if (rows == 0) return 0;
  const OneThreadPerTask pinned;
  std::vector<float> output(static_cast<std::size_t>(rows) * static_cast<std::size_t>(layer.out));
  const auto through = [&](const std::vector<float>& input) {
    multiply({input.data(), layer.in}, {layer.weight.data(), layer.in}, true, 1.0f, false, rows, layer.out, layer.in,
             output.data(), layer.out);
    return scatter(output, layer.out);
  };
  const double signal = through(exact);
  return signal > 0 ? through(error) / signal : 0;
}

}  // namespace intvit
