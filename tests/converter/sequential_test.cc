// Correcting a layer for the error of its inputs: the closed form by hand, and what it does for every layer of a
// network on the pictures that it was made from.
#include "converter/weights/sequential.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "converter/families/vit/random_vit.h"
#include "converter/float/forward.h"
#include "converter/methods/method.h"
#include "converter/plan/simulate.h"
#include "converter/weights/ridge.h"
#include "tests/converter/small_network.h"

using namespace intvit;

namespace {

constexpr int kStreamPictures = 8;

using Rows = std::vector<std::vector<double>>;

SyntheticPictures stream_pictures(const FloatNetwork& network) {
  return {kStreamPictures, network.preprocessing.height, network.preprocessing.width, 17};
}

Plan plain_plan(const FloatNetwork& network, int weight_bits, int activation_bits) {
  SyntheticPictures pictures = stream_pictures(network);
  const Result<Calibration> calibration = calibrate(network, {pictures, 1, kSilent});
  REQUIRE(calibration.ok());
  const Result<Method> method = find_method("percentile");
  REQUIRE(method.ok());
  const Knobs knobs("percentile");
  Result<Plan> plan =
      make_plan(method.value(),
                {network, calibration.value().statistics, weight_bits, activation_bits, {pictures, 1, kSilent}, knobs});
  REQUIRE(plan.ok());
  return plan.take();
}

// Codes of 3 bits that lose much; weights of 8 bits that lose next to nothing, so that what is left is the correction.
Plan coarse_plan(const FloatNetwork& network) { return plain_plan(network, 8, 3); }

RoundedLayers optimised(const FloatNetwork& network, const Plan& plan, const WeightOptions& options) {
  SyntheticPictures pictures = stream_pictures(network);
  Result<RoundedLayers> rounded = optimise_weights(network, plan, {pictures, 1, kSilent}, options);
  REQUIRE_MESSAGE(rounded.ok(), rounded.status().message());
  return rounded.take();
}

// The network with the weights of `rounded`, as floats. The classifier is not among them.
FloatNetwork with_weights(FloatNetwork network, const RoundedLayers& rounded) {
  for (Node& node : network.nodes) {
    if (node.weights() == nullptr || node.name == "head") continue;
    *node.weights() = dequantized(network, node, rounded.at(node.name));
  }
  return network;
}

class KeptRows : public Observer {
 public:
  KeptRows(Observer* simulator, TensorId wanted) : simulator_(simulator), wanted_(wanted) {}
  void on_activation(TensorId tensor, float* data, int rows, int cols) override {
    if (simulator_ != nullptr) simulator_->on_activation(tensor, data, rows, cols);
    if (tensor != wanted_) return;
    for (int r = 0; r < rows; ++r) kept.emplace_back(data + r * cols, data + (r + 1) * cols);
  }
  Rows kept;

 private:
  Observer* simulator_;
  TensorId wanted_;
};

// What a tensor holds in all pictures: of the float network, or of one that is quantized as in a plan.
Rows rows_at(const FloatNetwork& network, const Plan* plan, TensorId tensor) {
  SyntheticPictures pictures = stream_pictures(network);
  std::vector<std::uint8_t> pixels(picture_bytes(network));
  FloatForward forward(network, 1);
  const Plan none;
  PlanSimulator simulator(network, plan == nullptr ? none : *plan, 1);
  KeptRows keep(plan == nullptr ? nullptr : &simulator, tensor);
  for (int i = 0; i < kStreamPictures; ++i) {
    REQUIRE(pictures.read(i, pixels.data()).ok());
    forward.run(pixels.data(), &keep);
  }
  return keep.kept;
}

Rows outputs(const FloatLinear& layer, const Rows& inputs) {
  Rows result;
  for (const std::vector<double>& row : inputs) {
    std::vector<double>& out = result.emplace_back(layer.bias.begin(), layer.bias.end());
    for (std::size_t o = 0; o < out.size(); ++o) {
      for (std::size_t i = 0; i < row.size(); ++i) out[o] += layer.weight[o * row.size() + i] * row[i];
    }
  }
  return result;
}

double squared_difference(const Rows& a, const Rows& b) {
  double sum = 0;
  for (std::size_t r = 0; r < a.size(); ++r) {
    for (std::size_t c = 0; c < a[r].size(); ++c) sum += (a[r][c] - b[r][c]) * (a[r][c] - b[r][c]);
  }
  return sum;
}

// The largest mean difference of a column, as a share of all columns' root mean square difference.
double largest_mean_difference(const Rows& a, const Rows& b) {
  const auto rows = static_cast<double>(a.size()), cols = static_cast<double>(a[0].size());
  double largest = 0;
  for (std::size_t c = 0; c < a[0].size(); ++c) {
    double sum = 0;
    for (std::size_t r = 0; r < a.size(); ++r) sum += a[r][c] - b[r][c];
    largest = std::max(largest, std::abs(sum / rows));
  }
  return largest / std::sqrt(squared_difference(a, b) / (rows * cols));
}

double change_of_weights(const FloatNetwork& a, const FloatNetwork& b) {
  double sum = 0;
  for (const Node& node : a.nodes) {
    if (node.as<Linear>() == nullptr) continue;
    const FloatLinear &left = *node.weights(), &right = linear_of(b, node.name);
    for (std::size_t i = 0; i < left.weight.size(); ++i) {
      sum += (left.weight[i] - right.weight[i]) * (left.weight[i] - right.weight[i]);
    }
  }
  return sum;
}

}  // namespace

TEST_CASE("ridge correction: weights and biases by hand, one input and two outputs") {
  // Variance 4, mean 3; weights 2 and -1. With the ridge r, a weight moves by (cov - 4 w) / (4 + 4 r), and the bias
  // makes the mean output the wanted one.
  const FloatLinear layer{2, 1, {2, -1}, {0.5f, 0.25f}};
  const Moments moments{1, 10, {3}, {4}};
  const std::vector<float> wanted = {6, -8};
  const std::vector<double> wanted_mean = {10, 20};
  for (const double ridge : {0.0, 1.0, 3.0}) {
    CAPTURE(ridge);
    const FloatLinear corrected = ridge_corrected(layer, moments, wanted, wanted_mean, ridge, 1);
    const double first = 2 + (6 - 8) / (4 + 4 * ridge), second = -1 + (-8 + 4) / (4 + 4 * ridge);
    CHECK(corrected.weight[0] == doctest::Approx(first));
    CHECK(corrected.weight[1] == doctest::Approx(second));
    CHECK(corrected.bias[0] == doctest::Approx(10 - 3 * first));
    CHECK(corrected.bias[1] == doctest::Approx(20 - 3 * second));
  }
}

TEST_CASE("corrected layers lose less at their outputs than uncorrected ones, and nothing in the mean") {
  const FloatNetwork network = random_network(small_vit(), 31);
  const Plan plan = coarse_plan(network);
  const FloatNetwork quantized = with_weights(network, optimised(network, plan, {}));
  int corrected_layers = 0;
  for (const Node& node : network.nodes) {
    if (node.as<Linear>() == nullptr || node.name == "head") continue;
    CAPTURE(node.name);
    const FloatLinear &exact = *node.weights(), &corrected = linear_of(quantized, node.name);
    const Rows inputs = rows_at(quantized, &plan, node.inputs[0]);
    Rows target = outputs(exact, rows_at(network, nullptr, node.inputs[0]));
    if (const TensorId stream = addend(node); stream >= 0) {
      const Rows before = rows_at(network, nullptr, stream), now = rows_at(quantized, &plan, stream);
      for (std::size_t r = 0; r < target.size(); ++r) {
        for (std::size_t c = 0; c < target[r].size(); ++c) target[r][c] += before[r][c] - now[r][c];
      }
    }
    const double left = squared_difference(outputs(corrected, inputs), target);
    CHECK(left < 0.995 * squared_difference(outputs(exact, inputs), target));
    CHECK(largest_mean_difference(outputs(corrected, inputs), target) < 0.01);
    ++corrected_layers;
  }
  CHECK(corrected_layers == 2 * 4);
}

TEST_CASE(
    "a head of 4 bits loses less than by rounding to the nearest, and nothing in the mean; 8 bits are left as they "
    "are") {
  const FloatNetwork network = random_network(small_vit(), 31);
  CHECK(!optimised(network, coarse_plan(network), {}).contains("head"));
  const Plan plan = plain_plan(network, 4, 8);
  const RoundedLayers rounded = optimised(network, plan, {});
  const FloatNetwork quantized = with_weights(network, rounded);
  const auto node =
      std::find_if(network.nodes.begin(), network.nodes.end(), [](const Node& n) { return n.name == "head"; });
  REQUIRE(node != network.nodes.end());
  const FloatLinear& exact = *node->weights();
  const Rows inputs = rows_at(quantized, &plan, node->inputs[0]);
  const Rows target = outputs(exact, rows_at(network, nullptr, node->inputs[0]));
  const Rows chosen = outputs(dequantized(exact, rounded.at("head")), inputs);
  const Rows nearest = outputs(dequantized(exact, quantize_weights(exact, plan.weights.at("head"))), inputs);
  CHECK(squared_difference(chosen, target) < 0.7 * squared_difference(nearest, target));
  CHECK(largest_mean_difference(chosen, target) < 0.01);
  CHECK(largest_mean_difference(nearest, target) > 0.1);
}

TEST_CASE("what the stream has lost is repaired by the layers that add to it") {
  const FloatNetwork network = random_network(small_vit(), 31);
  const Plan plan = coarse_plan(network);
  for (const char* name : {"blocks.1.attn.residual", "blocks.1.residual"}) {
    CAPTURE(name);
    const TensorId stream = tensor_of(network, name);
    const Rows exact = rows_at(network, nullptr, stream);
    std::vector<double> lost;
    for (const double share : {0.0, 1.0}) {
      const RoundedLayers rounded = optimised(network, plan, {.ridge = 0.1, .stream_share = share});
      lost.push_back(squared_difference(rows_at(with_weights(network, rounded), &plan, stream), exact));
    }
    CHECK(lost[1] < 0.9 * lost[0]);
  }
}

TEST_CASE("a greater ridge keeps weights nearer to the original ones, and without correction they stay as they are") {
  const FloatNetwork network = random_network(small_vit(), 31);
  const Plan plan = coarse_plan(network);
  const auto change = [&](const WeightOptions& options) {
    return change_of_weights(with_weights(network, optimised(network, plan, options)), network);
  };
  const double none = change({.correct = false}), much = change({.ridge = 10}), little = change({.ridge = 0.1});
  CHECK(much > 2 * none);
  CHECK(little > 2 * much);
  CHECK(change({}) == much);
}
