// What a node's forward pass is given. The passes themselves are in nodes/, one file a kind; backward passes are in
// converter/optimise/.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "converter/float/observer.h"
#include "converter/graph/network.h"

namespace intvit {

// Values of bytes as the network reads them, by channel.
using PixelValues = std::array<std::array<float, 256>, 3>;

struct NodeRun {
  const FloatNetwork& network;
  const Node& node;
  const std::uint8_t* picture;  // u8 [height][width][3]; for nodes that read it
  const PixelValues& pixel_values;
  int threads;
  Observer* observer;                        // null: nobody looks
  std::vector<std::vector<float>>& tensors;  // by TensorId; inputs and outputs of the node have their sizes

  const Tensor& in(std::size_t i) const { return network.at(node.inputs[i]); }
  const Tensor& out(std::size_t i) const { return network.at(node.outputs[i]); }
  const float* input(std::size_t i) const { return tensors[static_cast<std::size_t>(node.inputs[i])].data(); }
  float* output(std::size_t i) const { return tensors[static_cast<std::size_t>(node.outputs[i])].data(); }

  // Every forward pass calls it for each of its outputs, in order, once it is there.
  void observe(std::size_t i) const {
    if (observer != nullptr) observer->on_activation(node.outputs[i], output(i), out(i).rows, out(i).columns);
  }
};

// All throw std::bad_alloc when memory is short. The output of a node that adds to a stream holds that stream.
void forward(const PatchEmbed& embed, const NodeRun& run);
void forward(const LayerNorm& norm, const NodeRun& run);
void forward(const Linear& layer, const NodeRun& run);
void forward(const Activate& activation, const NodeRun& run);
void forward(const Multiply& multiply, const NodeRun& run);
void forward(const Attention& attention, const NodeRun& run);
void forward(const MeanRows& mean, const NodeRun& run);
void forward(const Rotate& rotate, const NodeRun& run);
void forward(const Gather& gather, const NodeRun& run);
void forward(const Copy& copy, const NodeRun& run);

// Of an attention in windows. (nodes/window_attention.cc)
void forward_windows(const Attention& attention, const NodeRun& run);

inline std::size_t area(int rows, int columns) {
  return static_cast<std::size_t>(rows) * static_cast<std::size_t>(columns);
}

}  // namespace intvit
