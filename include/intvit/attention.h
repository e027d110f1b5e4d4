// Which keys each query of an attention layer looks at: the softmax of a layer as the integer model has it.
//
// A session is asked for layers when it is created (SessionOptions::attention_layers), and then has them of every
// picture. They are what the model really multiplies with values, so quantized as its softmax is, and the same on every
// instruction set, number of threads and batch.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "intvit/rules.h"
#include "intvit/view.h"

namespace intvit {

// Of a model: attention layers are counted from 0 in the order in which they run. Pooling by attention is one.
//
// A window is rows that see each other and no others: all of them in a plain ViT, which has one window; else those of a
// window of the grid, or of the part of a moved window that its mask leaves together.
struct AttentionLayer {
  std::string name;  // such as "blocks.3.attn"
  int windows = 1;
  int heads = 0;
  // Of the largest window. Query i of a window is its key i, unless the layer pools by a query that the model has
  // learned. Fewer queries than keys: those of the first rows alone, as in the last block of a model that reads its
  // class token, or keys that no query belongs to, such as padding.
  int queries = 0;
  int keys = 0;
  int tokens = 0;  // that there are keys of, over all windows
  // Of the picture, at this layer; 0 where the program does not show it.
  int grid_height = 0;
  int grid_width = 0;

  std::size_t rows() const {
    return static_cast<std::size_t>(windows) * static_cast<std::size_t>(heads) * static_cast<std::size_t>(queries);
  }
  std::size_t count() const { return rows() * static_cast<std::size_t>(keys); }
};

// What a key of a window is (Model::attention_tokens).
struct AttentionToken {
  // In front those that are no place of the grid, such as class tokens and registers, then the grid's, row after row.
  // -1: padding, or beyond the last key of this window.
  int token = -1;
  // Its place on the grid; -1: none.
  int x = -1;
  int y = -1;
};

// The attention of one layer to one picture. Query i of a head of a window looks at key j with probability
// weight / divisor, and weights are what the model multiplies values with. Divisors are the sums of their rows, or,
// where codes are steps of [0, 1], constants: then a row's sum is near 1, as near as its quantizer is.
struct AttentionView {
  const std::uint16_t* weights = nullptr;   // [windows][heads][queries][keys]
  const std::uint32_t* divisors = nullptr;  // [windows][heads][queries]; 0: this window has no such query
  int windows = 0;
  int heads = 0;
  int queries = 0;
  int keys = 0;

  // What there is not ends the process. Of windows that are smaller than the largest, the rest is 0.
  View<const std::uint16_t> row(int window, int head, int query) const {
    const auto length = static_cast<std::size_t>(keys);
    return {weights + place(window, head, query) * length, length};
  }
  std::uint32_t divisor(int window, int head, int query) const { return divisors[place(window, head, query)]; }

  double probability(int window, int head, int query, int key) const {
    const std::uint32_t whole = divisor(window, head, query);
    rules::require_index(key, keys, "AttentionView: key");
    return whole == 0 ? 0 : static_cast<double>(row(window, head, query)[static_cast<std::size_t>(key)]) / whole;
  }

 private:
  std::size_t place(int window, int head, int query) const {
    rules::require_index(window, windows, "AttentionView: window");
    rules::require_index(head, heads, "AttentionView: head");
    rules::require_index(query, queries, "AttentionView: query");
    return (static_cast<std::size_t>(window) * static_cast<std::size_t>(heads) + static_cast<std::size_t>(head)) *
               static_cast<std::size_t>(queries) +
           static_cast<std::size_t>(query);
  }
};

// All of them in the order of `weights`; `probabilities` has windows * heads * queries * keys places.
inline void copy_attention(const AttentionView& attention, float* probabilities) {
  const std::size_t rows = static_cast<std::size_t>(attention.windows) * static_cast<std::size_t>(attention.heads) *
                           static_cast<std::size_t>(attention.queries);
  const std::uint16_t* weight = attention.weights;
  for (std::size_t r = 0; r < rows; ++r) {
    const double unit = attention.divisors[r] == 0 ? 0 : 1.0 / attention.divisors[r];
    for (int j = 0; j < attention.keys; ++j) *probabilities++ = static_cast<float>(*weight++ * unit);
  }
}

}  // namespace intvit
