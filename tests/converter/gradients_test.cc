// Gradients of module-wise optimisation against central differences, and by hand.
#include <doctest/doctest.h>

#include <cmath>
#include <random>
#include <vector>

#include "converter/families/vit/random_vit.h"
#include "converter/optimise/attention_targets.h"
#include "converter/optimise/importance.h"
#include "converter/optimise/learned_codes.h"
#include "converter/optimise/modules.h"
#include "converter/optimise/straight_through.h"
#include "converter/optimise/tape.h"
#include "tests/converter/small_network.h"
#include "tests/converter/small_swin.h"
#include "tests/converter/toy_network.h"

using namespace intvit;

namespace {

std::vector<float> noise(std::size_t size, unsigned seed) {
  std::mt19937 random(seed);
  std::vector<float> values(size);
  for (float& x : values) x = static_cast<float>(random()) / 2147483648.0f - 1.0f;
  return values;
}

// A module and a loss that is linear in what the module writes.
class Gradient {
 public:
  Gradient(FloatNetwork& network, NodeRange range)
      : network_(network), range_(range), tape_(network, range), exits_(exits_of(network, range)) {
    unsigned seed = 1;
    for (const TensorId id : entries_of(network, range)) {
      tape_.value(id) = noise(area(network.at(id).rows, network.at(id).columns), ++seed);
    }
    for (const TensorId id : exits_) {
      weights_.push_back(noise(area(network.at(id).rows, network.at(id).columns), ++seed));
    }
  }

  double loss(const Plan* plan) {
    tape_.forward(plan);
    double sum = 0;
    for (std::size_t e = 0; e < exits_.size(); ++e) {
      const std::vector<float>& now = tape_.value(exits_[e]);
      for (std::size_t i = 0; i < now.size(); ++i) sum += double{weights_[e][i]} * now[i];
    }
    return sum;
  }

  Gradients gradients(const Plan* plan) {
    const Plan none;
    Gradients sum = zero_gradients(network_, range_, plan == nullptr ? none : *plan);
    loss(plan);
    tape_.begin_backward();
    for (std::size_t e = 0; e < exits_.size(); ++e) tape_.gradient(exits_[e]) = weights_[e];
    tape_.backward(plan, sum);
    return sum;
  }

  // Of the loss as `x` moves, which is a number of the network or of the plan.
  template <typename Number>
  double difference(Number& x, double width, const Plan* plan) {
    const Number before = x;
    x = static_cast<Number>(before + width);
    const double above = loss(plan), up = static_cast<double>(x);
    x = static_cast<Number>(before - width);
    const double below = loss(plan), down = static_cast<double>(x);
    x = before;
    return (above - below) / (up - down);
  }

 private:
  FloatNetwork& network_;
  const NodeRange range_;
  Tape tape_;
  const std::vector<TensorId> exits_;
  std::vector<std::vector<float>> weights_;
};

// Some weights and biases of every layer of all modules of the network's sampled segments.
int check_gradients(FloatNetwork network) {
  int layers = 0;
  for (const Segment& segment : network.segments) {
    if (!segment.sampled) continue;
    for (const NodeRange module : modules_of(network, segment)) {
      Gradient run(network, module);
      const Gradients gradients = run.gradients(nullptr);
      for (const auto& [n, gradient] : gradients.weights) {
        CAPTURE(network.node(n).name);
        FloatLinear& layer = *network.node(n).weights();
        double scale = 0;
        for (const float g : gradient.weight) scale = std::max(scale, std::abs(double{g}));
        for (std::size_t i = 0; i < layer.weight.size(); i += layer.weight.size() / 7) {
          CHECK(std::abs(gradient.weight[i] - run.difference(layer.weight[i], 1e-2, nullptr)) < 0.01 * scale);
        }
        for (const float g : gradient.bias) scale = std::max(scale, std::abs(double{g}));
        for (std::size_t i = 0; i < layer.bias.size(); i += layer.bias.size() / 5) {
          CHECK(std::abs(gradient.bias[i] - run.difference(layer.bias[i], 1e-2, nullptr)) < 0.01 * scale);
        }
        ++layers;
      }
    }
  }
  return layers;
}

}  // namespace

TEST_CASE("gradients of all weights and biases are central differences of the loss") {
  CHECK(check_gradients(random_network(small_vit(), 3)) == 2 * 4);
  CHECK(check_gradients(gated_toy(4)) > 6);
  CHECK(check_gradients(small_swin_v2(32, 32)) > 16);  // without pads, whose gradients are left out
}

namespace {

// Where the rows' divergence has gradients: in the layers in front of the attentions. The rows to be met are those of
// other inputs.
int check_divergence_gradients(FloatNetwork network) {
  const FloatNetwork exact = network;
  int layers = 0;
  for (const Segment& segment : network.segments) {
    if (!segment.sampled) continue;
    for (const NodeRange module : modules_of(network, segment)) {
      AttentionTargets targets(exact, module);
      if (targets.empty()) continue;
      LiveTensors in_front;
      Tape tape(network, module);
      unsigned seed = 1;
      for (const TensorId id : entries_of(network, module)) {
        const std::size_t size = area(network.at(id).rows, network.at(id).columns);
        in_front[id] = noise(size, ++seed);
        tape.value(id) = noise(size, ++seed);
      }
      targets.run(in_front);
      const auto loss = [&] {
        tape.forward(nullptr);
        return targets.divergence(tape);
      };
      CHECK(loss() > 0);
      Gradients sum = zero_gradients(network, module, {});
      tape.begin_backward();
      targets.add_gradient(1, tape);
      tape.backward(nullptr, sum);
      for (const auto& [n, gradient] : sum.weights) {
        CAPTURE(network.node(n).name);
        double scale = 0;
        for (const float g : gradient.weight) scale = std::max(scale, std::abs(double{g}));
        if (scale == 0) continue;  // behind the attention
        FloatLinear& layer = *network.node(n).weights();
        for (std::size_t i = 0; i < layer.weight.size(); i += layer.weight.size() / 7) {
          const float before = layer.weight[i];
          layer.weight[i] = before + 1e-2f;
          const double above = loss(), up = layer.weight[i];
          layer.weight[i] = before - 1e-2f;
          const double below = loss(), down = layer.weight[i];
          layer.weight[i] = before;
          CHECK(std::abs(gradient.weight[i] - (above - below) / (up - down)) < 0.01 * scale);
        }
        ++layers;
      }
    }
  }
  return layers;
}

// Four levels between -1 and 1; values beyond 1.5 are aside, on a grid from -2 to 2.
ActivationScheme four_levels() {
  ActivationScheme table;
  table.kind = CodeKind::table;
  table.bits = 2;
  table.grid = {8, 1.0 / 64, 128};
  table.table = {{-0.5, 0.25, 0.75}, {-1, 0, 0.5, 1}};
  table.outlier = 1.5;
  return table;
}

}  // namespace

TEST_CASE("gradients of the attention rows' divergence are its central differences") {
  CHECK(check_divergence_gradients(random_network(small_vit(), 3)) == 2);
  CHECK(check_divergence_gradients(small_swin_v2(32, 32)) >= 5);
}

TEST_CASE("straight through: gradients pass inside the range and stop where values are clamped") {
  const ActivationScheme table = four_levels();
  ActivationScheme token = table;
  token.kind = CodeKind::token;
  token.parts = {{2, 0.5, 1}, {2, 0.25, 1}};  // -0.5..1 and -0.25..0.5
  const ActivationScheme grid = uniform({2, 0.5, 1});
  // 1.6 is aside and 5 beyond the grid.
  const std::vector<float> exact = {-1.1f, -0.9f, 0.3f, 1.1f, 1.6f, 5.0f};
  const auto passed = [&](const ActivationScheme& scheme, int row) {
    std::vector<float> both(12, 0.0f), gradient(12, 1.0f);
    std::copy(exact.begin(), exact.end(), both.begin() + row * 6);
    pass_straight_through({scheme}, both.data(), 2, 6, gradient.data());
    return std::vector<float>(gradient.begin() + row * 6, gradient.begin() + row * 6 + 6);
  };
  CHECK(passed(table, 0) == std::vector<float>{0, 1, 1, 0, 1, 0});
  CHECK(passed(token, 0) == std::vector<float>{0, 0, 1, 1, 1, 0});
  CHECK(passed(token, 1) == std::vector<float>{0, 0, 1, 0, 1, 0});
  CHECK(passed(grid, 0) == std::vector<float>{0, 0, 1, 1, 0, 0});
}

TEST_CASE("gradients of scales and levels by hand") {
  const ActivationScheme table = four_levels();
  const ActivationScheme grid = uniform({2, 0.5, 1});  // -0.5 ... 1
  const std::vector<float> exact = {-0.9f, 0.3f, 0.6f, 1.6f}, gradient = {1, 2, 3, 4};
  CodeGradient sum = zero_gradient({table});
  add_code_gradient({table}, exact.data(), exact.data(), 1, 4, gradient.data(), sum);
  CHECK(sum == CodeGradient{1, 0, 5, 0});  // the last value is aside
  // Inside: the rounding error; clamped: the end.
  const std::vector<float> held = {-0.5f, 0.5f, 0.5f, 1.0f};
  sum = zero_gradient({grid});
  add_code_gradient({grid}, exact.data(), held.data(), 1, 4, gradient.data(), sum);
  CHECK(sum[0] == doctest::Approx(-0.5 + 2 * 0.2 - 3 * 0.1 + 4 * 1.0));
}

TEST_CASE("importance is the mean square of the output's gradient: only the class token counts at the end") {
  // Logits are W (x of the class token) + b behind a norm, so other tokens count nothing, and the class token
  // something.
  const FloatNetwork network = random_network(small_vit(), 3);
  std::vector<NodeRange> modules;
  for (const Segment& segment : network.segments) {
    if (!segment.sampled) continue;
    for (const NodeRange module : modules_of(network, segment)) modules.push_back(module);
  }
  const NodeRange last = modules.back();
  const TensorId entry = entries_of(network, last).at(0), exit = exits_of(network, last).at(0);
  const Tensor& stream = network.at(exit);
  std::vector<LiveTensors> states(2);
  unsigned seed = 0;
  for (LiveTensors& state : states) state[entry] = noise(area(stream.rows, stream.columns), ++seed);
  const Importance one = importance_of(network, last.begin, {exit}, {&states[0], &states[1]}, 1, 7, 1);
  CHECK(one == importance_of(network, last.begin, {exit}, {&states[0], &states[1]}, 1, 7, 3));
  const std::vector<float>& squares = one.at(exit);
  double token = 0, others = 0;
  for (std::size_t i = 0; i < squares.size(); ++i) {
    (i < static_cast<std::size_t>(stream.columns) ? token : others) += squares[i];
  }
  CHECK(token == doctest::Approx(static_cast<double>(squares.size())));  // the mean is 1
  CHECK(others == 0);
  const Importance none = importance_of(network, last.begin, {exit}, {&states[0]}, 0, 7, 1);
  CHECK(none.at(exit) == std::vector<float>(squares.size(), 1.0f));
}
