#include "converter/optimise/tape.h"

#include <algorithm>

#include "converter/float/for_each_in_order.h"
#include "converter/float/parallel.h"
#include "converter/optimise/straight_through.h"
#include "converter/plan/simulate.h"

namespace intvit {
namespace {

// What reads pixels is in no range.
constexpr PixelValues kNoPixels = {};

}  // namespace

void Gradients::add(const Gradients& other) {
  const auto sum = [](auto& to, const auto& from) {
    for (std::size_t i = 0; i < to.size(); ++i) to[i] += from[i];
  };
  for (auto& [node, gradient] : weights) {
    sum(gradient.weight, other.weights.at(node).weight);
    sum(gradient.bias, other.weights.at(node).bias);
  }
  for (auto& [tensor, gradient] : codes) sum(gradient, other.codes.at(tensor));
}

Gradients zero_gradients(const FloatNetwork& network, NodeRange range, const Plan& plan) {
  Gradients gradients;
  for (int n = range.begin; n < range.end; ++n) {
    const Node& node = network.node(n);
    if (const auto* linear = node.as<Linear>()) {
      const FloatLinear& layer = linear->linear;
      gradients.weights[n] = {std::vector<float>(layer.weight.size()), std::vector<float>(layer.bias.size())};
    }
    for (const TensorId id : node.outputs) {
      const auto found = plan.activations.find(network.at(id).name);
      if (found != plan.activations.end()) gradients.codes[id] = zero_gradient(found->second);
    }
  }
  return gradients;
}

// Puts the plan's codes on what nodes write, and keeps what it was.
class Tape::Keep : public Observer {
 public:
  Keep(const FloatNetwork& network, const Plan& plan, std::vector<std::vector<float>>& exact)
      : network_(network), plan_(plan), simulator_(network, plan, 1), exact_(exact) {}
  void on_activation(TensorId tensor, float* data, int rows, int columns) override {
    const std::string& name = network_.at(tensor).name;
    if (plan_.activations.contains(name) || plan_.softmax.contains(name)) {
      exact_[static_cast<std::size_t>(tensor)].assign(data, data + area(rows, columns));
    }
    simulator_.on_activation(tensor, data, rows, columns);
  }

 private:
  const FloatNetwork& network_;
  const Plan& plan_;
  PlanSimulator simulator_;
  std::vector<std::vector<float>>& exact_;
};

Tape::Tape(const FloatNetwork& network, NodeRange range)
    : network_(network),
      range_(range),
      wanted_(network.tensors.size()),
      values_(network.tensors.size()),
      exact_(network.tensors.size()),
      gradients_(network.tensors.size()) {
  for (int n = range.begin; n < range.end; ++n) {
    const Node& node = network.node(n);
    bool wanted = node.as<Linear>() != nullptr;
    for (const TensorId id : node.inputs) wanted = wanted || wanted_[static_cast<std::size_t>(id)];
    for (const TensorId id : node.outputs) {
      wanted_[static_cast<std::size_t>(id)] = wanted || has_codes(network.at(id).role);
    }
  }
}

void Tape::forward(const Plan* plan) {
  const OneThreadPerTask pinned;
  const Plan none;
  Keep keep(network_, plan == nullptr ? none : *plan, exact_);
  for (int n = range_.begin; n < range_.end; ++n) {
    const Node& node = network_.node(n);
    for (const TensorId id : node.outputs) {
      const auto i = static_cast<std::size_t>(id);
      exact_[i].clear();
      values_[i].resize(area(network_.at(id).rows, network_.at(id).columns));
      if (addend(node) >= 0) values_[i] = value(addend(node));
    }
    const NodeRun run{network_, node, nullptr, kNoPixels, 1, &keep, values_};
    std::visit([&run](const auto& kind) { intvit::forward(kind, run); }, node.kind);
  }
}

void Tape::begin_backward() {
  for (int n = range_.begin; n < range_.end; ++n) {
    for (const TensorId id : network_.node(n).outputs) {
      const auto i = static_cast<std::size_t>(id);
      if (wanted_[i]) gradients_[i].assign(values_[i].size(), 0.0f);
    }
  }
}

// Probabilities are passed by the attention itself, and a stream's steps are too fine to matter.
void Tape::pass_quantizers(const Node& node, const Plan& plan, CodeGradients& sum) {
  for (const TensorId id : node.outputs) {
    const auto i = static_cast<std::size_t>(id);
    const Tensor& tensor = network_.at(id);
    const auto found = plan.activations.find(tensor.name);
    if (!wanted_[i] || found == plan.activations.end()) continue;
    if (const auto own = sum.find(id); own != sum.end()) {
      add_code_gradient(found->second, exact_[i].data(), values_[i].data(), tensor.rows, tensor.columns,
                        gradients_[i].data(), own->second);
    }
    pass_straight_through(found->second, exact_[i].data(), tensor.rows, tensor.columns, gradients_[i].data());
  }
}

void Tape::backward(const Plan* plan, Gradients& sum) {
  const OneThreadPerTask pinned;
  for (int n = range_.end - 1; n >= range_.begin; --n) {
    const Node& node = network_.node(n);
    if (std::ranges::none_of(node.outputs, [&](TensorId id) { return wanted_[static_cast<std::size_t>(id)]; }))
      continue;
    if (plan != nullptr) pass_quantizers(node, *plan, sum.codes);
    const auto own = sum.weights.find(n);
    intvit::backward({network_, node, values_, exact_, gradients_, own == sum.weights.end() ? nullptr : &own->second});
  }
}

void forward_pictures(const FloatNetwork& network, NodeRange range, const Plan* plan, int threads,
                      const std::vector<LiveTensors>& from, const std::vector<TensorId>& wanted,
                      std::vector<LiveTensors>& to) {
  const int count = static_cast<int>(from.size());
  std::vector<Tape> tapes(static_cast<std::size_t>(workers_for(count, threads)), Tape(network, range));
  const auto make_worker = [&](int worker, int) {
    return [&, worker](int i) -> Status {
      Tape& tape = tapes[static_cast<std::size_t>(worker)];
      const auto picture = static_cast<std::size_t>(i);
      for (const auto& [id, rows] : from[picture]) tape.value(id) = rows;
      tape.forward(plan);
      for (const TensorId id : wanted) to[picture][id] = tape.value(id);
      return {};
    };
  };
  static_cast<void>(for_each_in_order(count, threads, make_worker));
}

}  // namespace intvit
