#include "converter/optimise/attention_targets.h"

#include <algorithm>
#include <cmath>

#include "converter/optimise/modules.h"

namespace intvit {
namespace {

// Of probabilities that are divided by; far below what changes a row.
constexpr float kLeast = 1e-20f;

// As far as the last attention.
NodeRange with_attentions(const FloatNetwork& network, NodeRange range) {
  while (range.end > range.begin && network.node(range.end - 1).as<Attention>() == nullptr) --range.end;
  return range;
}

}  // namespace

AttentionTargets::AttentionTargets(const FloatNetwork& network, NodeRange range)
    : entries_(entries_of(network, with_attentions(network, range))), tape_(network, with_attentions(network, range)) {
  for (int n = range.begin; n < range.end; ++n) {
    if (network.node(n).as<Attention>() != nullptr) probabilities_.push_back(network.node(n).outputs[0]);
  }
}

void AttentionTargets::run(const LiveTensors& in_front) {
  for (const TensorId id : entries_) tape_.value(id) = in_front.at(id);
  tape_.forward(nullptr);
}

double AttentionTargets::divergence(const Tape& other) const {
  double sum = 0;
  for (const TensorId id : probabilities_) {
    const std::vector<float>&wanted = tape_.written(id), &now = other.written(id);
    for (std::size_t i = 0; i < wanted.size(); ++i) {
      if (wanted[i] > 0) sum += wanted[i] * (std::log(double{wanted[i]}) - std::log(double{std::max(now[i], kLeast)}));
    }
  }
  return sum;
}

void AttentionTargets::add_gradient(float share, Tape& other) const {
  for (const TensorId id : probabilities_) {
    const std::vector<float>&wanted = tape_.written(id), &now = other.written(id);
    std::vector<float>& gradient = other.gradient(id);
    for (std::size_t i = 0; i < gradient.size(); ++i) gradient[i] -= share * wanted[i] / std::max(now[i], kLeast);
  }
}

}  // namespace intvit
