// A run of nodes, forwards with everything kept, then backwards. One picture, one thread.
#pragma once

#include <map>
#include <vector>

#include "converter/float/node_run.h"
#include "converter/graph/network.h"
#include "converter/optimise/backward.h"
#include "converter/optimise/learned_codes.h"
#include "converter/optimise/live_tensors.h"
#include "converter/plan/plan.h"

namespace intvit {

// Nodes [begin, end) of a network.
struct NodeRange {
  int begin = 0;
  int end = 0;
};

// By index of the node.
using WeightGradients = std::map<int, LinearGradient>;

// By tensor.
using CodeGradients = std::map<TensorId, CodeGradient>;

struct Gradients {
  WeightGradients weights;
  CodeGradients codes;

  void add(const Gradients& other);
};

// Zeros for every linear layer of the range and all activation codes that a plan has in it.
Gradients zero_gradients(const FloatNetwork& network, NodeRange range, const Plan& plan);

class Tape {
 public:
  // The network is kept by reference and read afresh on every run, so its weights may change.
  Tape(const FloatNetwork& network, NodeRange range);

  // Of a tensor of the range, or one that the range reads. Inputs are to be set before forward(), with their sizes.
  std::vector<float>& value(TensorId id) { return values_[static_cast<std::size_t>(id)]; }
  // As the node wrote it, without its quantizer.
  const std::vector<float>& written(TensorId id) const {
    const auto& exact = exact_[static_cast<std::size_t>(id)];
    return exact.empty() ? values_[static_cast<std::size_t>(id)] : exact;
  }

  // With the plan's quantizers, or in floats (null).
  void forward(const Plan* plan);

  // After forward(): from the gradients of the loss with respect to some tensors of the range (added by `loss`, zeros
  // before) to those that `sum` has, to which they are added. `plan` is the forward pass's; without one nothing has
  // codes.
  void begin_backward();
  std::vector<float>& gradient(TensorId id) { return gradients_[static_cast<std::size_t>(id)]; }
  void backward(const Plan* plan, Gradients& sum);

 private:
  class Keep;
  void pass_quantizers(const Node& node, const Plan& plan, CodeGradients& sum);

  const FloatNetwork& network_;
  const NodeRange range_;
  std::vector<bool> wanted_;  // by TensorId: whether what is learned depends on its gradient
  std::vector<std::vector<float>> values_, exact_, gradients_;
};

// Runs the range on every picture of `from`, what is in front of it, and puts `wanted` of what it writes into `to`,
// which has as many pictures and may be `from`. With the plan's quantizers, or in floats (null).
void forward_pictures(const FloatNetwork& network, NodeRange range, const Plan* plan, int threads,
                      const std::vector<LiveTensors>& from, const std::vector<TensorId>& wanted,
                      std::vector<LiveTensors>& to);

}  // namespace intvit
