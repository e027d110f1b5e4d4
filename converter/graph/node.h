// The operations of a float network. What each computes in floats is in converter/float/nodes/, one file a kind, and
// what becomes of it in integers in converter/lower/nodes/.
#pragma once

#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "converter/graph/layers.h"
#include "converter/graph/merge.h"
#include "converter/graph/tensor.h"
#include "converter/graph/windows.h"
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

// x -> y: as many rows of x as y has, from first_row on. (x, residual) -> residual + y.
struct LayerNorm {
  FloatLayerNorm norm;
  double eps = 1e-6;
  int first_row = 0;
  int groups = 1;       // parts of equal width of a row, each normed by itself, as heads are
  bool centred = true;  // false: no mean is taken away, so a part is divided by its root mean square
  // What it reads is 0 where the projection's input is: keys of Swin V2 have no bias. What rounding or equalising makes
  // of 0 must not get the length of a key.
  bool unbiased = false;
};

// x -> y or, cut into as many equal parts, several tensors. (x, residual) -> residual + y.
// Where in is a multiple of x's columns, so many rows of x are read as one long row.
struct Linear {
  FloatLinear linear;
  std::vector<float> zero = {};  // what x has where a token is not there and counts as zero; empty: zeros
};

// x -> y, element by element.
struct Activate {
  Activation function = Activation::gelu_erf;
};

// gate, x -> function(gate) * x, element by element: the middle of a gated MLP (SwiGLU).
struct Multiply {
  Activation function = Activation::silu;
};

// query, key, value -> probabilities = softmax(query key^T / sqrt(D) + bias), probabilities value; per head.
// In windows, each token is a query among the keys of its window only, and probabilities have a column per slot of the
// window: row h * tokens + t is token t's. Those that it does not see have probability 0.
struct Attention {
  int queries = 0;                         // only the first so many rows of query; 0: all
  std::optional<WindowSpec> windows = {};  // of all rows
  std::vector<float> bias = {};            // [heads][queries][keys], in windows [heads][N][N]; empty: none
};

// x -> y, from first_row on: in each head, columns i and i + D / 2 are turned by the angle of row and i. The rows in
// front stay as they are.
struct Rotate {
  int first_row = 0;
  std::vector<float> cosines;  // [rows - first_row][D / 2]
  std::vector<float> sines;
};

// x -> y: rows of x side by side.
struct Gather {
  MergeSpec merge;
};

// x -> the same values, for a linear layer that reads a stream as it is.
struct Copy {};

// x -> its first `copied` rows, then the mean of rows first_row ... first_row + count - 1.
struct MeanRows {
  int first_row = 0;
  int count = 0;
  int copied = 0;
};

using NodeKind =
    std::variant<PatchEmbed, LayerNorm, Linear, Activate, Multiply, Attention, MeanRows, Rotate, Gather, Copy>;

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

// Whether what it writes has the unit of what it reads, whatever a plan says.
inline bool keeps_unit(const Node& node) { return node.as<MeanRows>() != nullptr || node.as<Gather>() != nullptr; }

// The stream that a linear layer or a norm adds to; -1 if it adds to none.
inline TensorId addend(const Node& node) {
  const bool can_add = node.as<Linear>() != nullptr || node.as<LayerNorm>() != nullptr;
  return can_add && node.inputs.size() == 2 ? node.inputs[1] : -1;
}

}  // namespace intvit
