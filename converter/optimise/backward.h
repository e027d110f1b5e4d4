// The backward pass of each kind of node: from the gradient of a loss with respect to what a node writes to that of
// what it reads, and of its weights. Quantizers are not part of it: they stand between nodes (straight_through.h).
#pragma once

#include <vector>

#include "converter/graph/network.h"

namespace intvit {

struct LinearGradient {
  std::vector<float> weight;  // [out][in]
  std::vector<float> bias;    // [out]
};

// One picture's. All vectors are by TensorId.
struct BackwardRun {
  const FloatNetwork& network;
  const Node& node;
  const std::vector<std::vector<float>>& values;  // as readers see them: codes' values where there is a quantizer
  const std::vector<std::vector<float>>& exact;   // as nodes wrote them; empty where that is the same
  // Of a tensor: summed up over its readers. Empty where nobody wants it. Of probabilities and of what an attention
  // gives from them: of the loss itself, where it looks at them.
  std::vector<std::vector<float>>& gradients;
  LinearGradient* weights = nullptr;  // added to; null: nobody wants it

  const Tensor& in(std::size_t i) const { return network.at(node.inputs[i]); }
  const Tensor& out(std::size_t i) const { return network.at(node.outputs[i]); }
  const float* input(std::size_t i) const { return values[static_cast<std::size_t>(node.inputs[i])].data(); }
  const float* written(std::size_t i) const {
    const auto id = static_cast<std::size_t>(node.outputs[i]);
    return exact[id].empty() ? values[id].data() : exact[id].data();
  }
  const float* seen(std::size_t i) const { return values[static_cast<std::size_t>(node.outputs[i])].data(); }
  // Null where nobody wants it.
  float* input_gradient(std::size_t i) const { return gradient_of(node.inputs[i]); }
  const float* output_gradient(std::size_t i) const { return gradient_of(node.outputs[i]); }

 private:
  float* gradient_of(TensorId id) const {
    std::vector<float>& gradient = gradients[static_cast<std::size_t>(id)];
    return gradient.empty() ? nullptr : gradient.data();
  }
};

// Whether there is a backward pass of the node. There is none of the patch embedding, which reads bytes.
bool has_backward(const Node& node);

// All add to the gradients of the inputs. The gradient of a node that adds to a stream goes to that stream, too. All
// throw std::bad_alloc when memory is short.
void backward(const BackwardRun& run);
void backward(const LayerNorm& norm, const BackwardRun& run);
void backward(const Linear& layer, const BackwardRun& run);
void backward(const Activate& activation, const BackwardRun& run);
void backward(const Multiply& multiply, const BackwardRun& run);
void backward(const Attention& attention, const BackwardRun& run);
void backward(const MeanRows& mean, const BackwardRun& run);
void backward(const Rotate& rotate, const BackwardRun& run);
void backward(const Gather& gather, const BackwardRun& run);
void backward(const Copy& copy, const BackwardRun& run);

}  // namespace intvit
