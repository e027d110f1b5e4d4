// The operations of a float network. What each computes in floats is in converter/float/nodes/, one file a kind, and
// what becomes of it in integers in converter/lower/nodes/.
#pragma once

#include <string>
#include <variant>
#include <vector>

#include "converter/graph/layers.h"
#include "converter/graph/tensor.h"
#include "models/activation.h"

namespace intvit {

// The picture -> pixels, stream. Patches lie row by row; inside each, pixels are ordered (y, x, channel).
// stream = token_init, plus linear(pixels) from row `prefix` on.
struct PatchEmbed {
  int patch = 0;  // edge in pixels
  int prefix = 0;
  FloatLinear linear;             // of normalised pixels, in = patch * patch * 3
  std::vector<float> token_init;  // [rows][columns] of the stream: prefix tokens + their positions, then positions
};

// x -> y: as many rows of x as y has, from first_row on.
struct LayerNorm {
  FloatLayerNorm norm;
  double eps = 1e-6;
  int first_row = 0;
};

// x -> y or, cut into as many equal parts, several tensors. (x, residual) -> residual + y.
// Where in is a multiple of x's columns, so many rows of x are read as one long row.
struct Linear {
  FloatLinear linear;
};

// x -> y, element by element.
struct Activate {
  Activation function = Activation::gelu_erf;
};

// query, key, value -> probabilities = softmax(query key^T / sqrt(D)), probabilities value; per head.
struct Attention {
  int queries = 0;  // only the first so many rows of query; 0: all
};

// x -> its first `copied` rows, then the mean of rows first_row ... first_row + count - 1.
struct MeanRows {
  int first_row = 0;
  int count = 0;
  int copied = 0;
};

using NodeKind = std::variant<PatchEmbed, LayerNorm, Linear, Activate, Attention, MeanRows>;

struct Node {
  std::string name;  // timm's module name, under which plans have its weights and programs its steps
  std::vector<TensorId> inputs;
  std::vector<TensorId> outputs;
  NodeKind kind;

  // Null if it is another kind.
  template <typename T>
  const T* as() const {
    return std::get_if<T>(&kind);
  }
  template <typename T>
  T* as() {
    return std::get_if<T>(&kind);
  }

  // The layer whose weights are quantized; null if it has none.
  const FloatLinear* weights() const {
    if (const auto* embed = as<PatchEmbed>()) return &embed->linear;
    const auto* linear = as<Linear>();
    return linear == nullptr ? nullptr : &linear->linear;
  }
  FloatLinear* weights() { return const_cast<FloatLinear*>(static_cast<const Node&>(*this).weights()); }
};

// The stream that a linear layer adds to; -1 if it adds to none.
inline TensorId addend(const Node& node) {
  return node.as<Linear>() != nullptr && node.inputs.size() == 2 ? node.inputs[1] : -1;
}

}  // namespace intvit
