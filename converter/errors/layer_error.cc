#include "converter/errors/layer_error.h"

#include "converter/float/layers.h"
#include "converter/plan/simulate.h"
#include "converter/weights/quantize.h"

namespace intvit {
namespace {

constexpr int kSampleOutputs = 96;

std::vector<float> times(const std::vector<float>& inputs, const FloatLinear& layer) {
  const int rows = static_cast<int>(inputs.size()) / layer.in;
  std::vector<float> outputs(static_cast<std::size_t>(rows) * static_cast<std::size_t>(layer.out));
  multiply({inputs.data(), layer.in}, {layer.weight.data(), layer.in}, true, 1.0f, false, rows, layer.out, layer.in,
           outputs.data(), layer.out);
  return outputs;
}

}  // namespace

FloatLinear some_outputs(const FloatLinear& layer) {
  const int stride = (layer.out + kSampleOutputs - 1) / kSampleOutputs;
  FloatLinear some;
  some.in = layer.in;
  for (int o = 0; o < layer.out; o += stride) {
    const auto row = layer.weight.begin() + static_cast<std::ptrdiff_t>(o) * layer.in;
    some.weight.insert(some.weight.end(), row, row + layer.in);
    some.bias.push_back(layer.bias[static_cast<std::size_t>(o)]);
    ++some.out;
  }
  return some;
}

LayerError::LayerError(const std::vector<float>& rows, const FloatLinear& layer, const Equalisation& e,
                       WeightScheme weights)
    : inputs_(equalised(rows, e)), exact_(layer) {
  const auto n = static_cast<std::size_t>(layer.in);
  for (std::size_t i = 0; i < exact_.weight.size(); ++i) {
    exact_.weight[i] = static_cast<float>(exact_.weight[i] * e.scale[i % n]);
  }
  rounded_ = dequantized(exact_, quantize_weights(exact_, weights));
  exact_outputs_ = times(inputs_, exact_);
}

double LayerError::of(const UniformScheme& scheme) const {
  std::vector<float> held = inputs_;
  for (float& x : held) x = static_cast<float>(simulate(x, scheme));
  const std::vector<float> outputs = times(held, rounded_);
  const auto n = static_cast<std::size_t>(exact_.out);
  std::vector<double> sums(n, 0), squares(n, 0);
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    const double difference = static_cast<double>(exact_outputs_[i]) - outputs[i];
    sums[i % n] += difference;
    squares[i % n] += difference * difference;
  }
  const double rows = static_cast<double>(outputs.size() / n);
  double error = 0;
  for (std::size_t o = 0; o < n; ++o) error += squares[o] - sums[o] * sums[o] / rows;
  return error;
}

}  // namespace intvit
