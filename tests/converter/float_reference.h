// The float network written down a second time: in double precision, one loop per sum, no library, no speed, and node
// by node, so that it knows no architecture. What FloatForward is tested against; and small random networks to test it
// with.
#pragma once

#include <algorithm>
#include <cmath>
#include <complex>
#include <cstddef>
#include <cstdint>
#include <random>
#include <utility>
#include <vector>

#include "converter/families/vit/build_vit.h"
#include "converter/graph/network.h"

namespace intvit::float_reference {

using Row = std::vector<double>;
using Rows = std::vector<Row>;

inline Row linear(const FloatLinear& layer, const Row& x) {
  Row y(layer.bias.begin(), layer.bias.end());
  for (int o = 0; o < layer.out; ++o) {
    for (int i = 0; i < layer.in; ++i) y[o] += static_cast<double>(layer.weight[o * layer.in + i]) * x[i];
  }
  return y;
}

inline Row layer_norm(const LayerNorm& norm, const Row& x) {
  Row y(x.size());
  const std::size_t width = x.size() / static_cast<std::size_t>(norm.groups);
  for (std::size_t begin = 0; begin < x.size(); begin += width) {
    double mean = 0.0, variance = 0.0;
    for (std::size_t i = begin; norm.centred && i < begin + width; ++i) mean += x[i] / static_cast<double>(width);
    for (std::size_t i = begin; i < begin + width; ++i)
      variance += (x[i] - mean) * (x[i] - mean) / static_cast<double>(width);
    for (std::size_t i = begin; i < begin + width; ++i) {
      y[i] = (x[i] - mean) / std::sqrt(variance + norm.eps) * norm.norm.gamma[i] + norm.norm.beta[i];
    }
  }
  return y;
}

inline Row layer_norm(const FloatLayerNorm& norm, double eps, const Row& x) {
  return layer_norm(LayerNorm{norm, eps}, x);
}

inline double activate(Activation activation, double x) {
  const double pi = std::acos(-1.0);
  switch (activation) {
    case Activation::gelu_erf:
      return 0.5 * x * (1.0 + std::erf(x / std::sqrt(2.0)));
    case Activation::gelu_tanh:
      return 0.5 * x * (1.0 + std::tanh(std::sqrt(2.0 / pi) * (x + 0.044715 * x * x * x)));
    case Activation::quick_gelu:
      return x / (1.0 + std::exp(-1.702 * x));
    case Activation::relu:
      return x > 0.0 ? x : 0.0;
    case Activation::silu:
      return x / (1.0 + std::exp(-x));
  }
  return x;
}

// What every tensor of a network holds for one picture.
class Reference {
 public:
  Reference(const FloatNetwork& network, const std::uint8_t* picture)
      : network_(network), picture_(picture), tensors_(network.tensors.size()) {
    for (const Node& node : network.nodes) {
      node_ = &node;
      std::visit([this](const auto& kind) { forward(kind); }, node.kind);
    }
  }

  const Rows& at(TensorId id) const { return tensors_[static_cast<std::size_t>(id)]; }
  // All rows of an output, one after another.
  Row output(std::size_t index) const {
    const NetworkOutput& output = network_.outputs[index];
    Row values;
    for (int r = output.first_row; r < output.first_row + output.rows; ++r) {
      const Row& row = at(output.tensor)[static_cast<std::size_t>(r)];
      values.insert(values.end(), row.begin(), row.end());
    }
    return values;
  }

 private:
  const Rows& in(std::size_t i) const { return at(node_->inputs[i]); }
  Rows& out(std::size_t i) { return tensors_[static_cast<std::size_t>(node_->outputs[i])]; }
  const Tensor& shape(std::size_t i) const { return network_.at(node_->outputs[i]); }

  void forward(const PatchEmbed& embed) {
    const Preprocessing& how = network_.preprocessing;
    const int across = how.width / embed.patch, channels = embed.linear.out;
    for (int t = 0; t < shape(1).rows; ++t) {
      const float* init = embed.token_init.data() + static_cast<std::ptrdiff_t>(t) * channels;
      out(1).emplace_back(init, init + channels);
      const int patch = t - embed.prefix;
      if (patch < 0) continue;
      Row& values = out(0).emplace_back();
      for (int y = 0; y < embed.patch; ++y) {
        for (int i = 0; i < embed.patch * 3; ++i) {
          const int row = patch / across * embed.patch + y, column = patch % across * embed.patch + i / 3;
          values.push_back((picture_[(row * how.width + column) * 3 + i % 3] / 255.0 - how.mean[i % 3]) /
                           how.stddev[i % 3]);
        }
      }
      const Row embedded = linear(embed.linear, values);
      for (int i = 0; i < channels; ++i) out(1).back()[i] += embedded[i];
    }
  }

  void forward(const LayerNorm& norm) {
    for (int r = 0; r < shape(0).rows; ++r) out(0).push_back(layer_norm(norm, in(0)[norm.first_row + r]));
    add_stream();
  }

  void forward(const Linear& layer) {
    for (std::size_t first = 0; first < in(0).size();) {
      Row joined;
      while (joined.size() < static_cast<std::size_t>(layer.linear.in)) {
        joined.insert(joined.end(), in(0)[first].begin(), in(0)[first].end());
        ++first;
      }
      const Row y = linear(layer.linear, joined);
      const std::size_t columns = y.size() / node_->outputs.size();
      for (std::size_t part = 0; part < node_->outputs.size(); ++part) {
        const auto begin = y.begin() + static_cast<std::ptrdiff_t>(part * columns);
        out(part).emplace_back(begin, begin + static_cast<std::ptrdiff_t>(columns));
      }
    }
    add_stream();
  }

  void add_stream() {
    if (addend(*node_) < 0) return;
    for (std::size_t r = 0; r < in(1).size(); ++r) {
      for (std::size_t i = 0; i < in(1)[r].size(); ++i) out(0)[r][i] += in(1)[r][i];
    }
  }

  void forward(const Activate& activation) {
    out(0) = in(0);
    for (Row& row : out(0)) {
      for (double& v : row) v = activate(activation.function, v);
    }
  }

  void forward(const Multiply& multiply) {
    out(0) = in(1);
    for (std::size_t r = 0; r < out(0).size(); ++r) {
      for (std::size_t i = 0; i < out(0)[r].size(); ++i) out(0)[r][i] *= activate(multiply.function, in(0)[r][i]);
    }
  }

  // A key of zero input has the projection's bias.
  Row pad(std::size_t input) const {
    const Projection projection = projection_of(network_, node_->inputs[input]);
    const std::vector<float>& bias = network_.node(projection.node).weights()->bias;
    const auto begin = bias.begin() + projection.first;
    const Row row(begin, begin + network_.at(node_->inputs[input]).columns);
    return projection.norm < 0 ? row : layer_norm(*network_.node(projection.norm).as<LayerNorm>(), row);
  }

  // One query of one head among keys and values: softmax(scores) and the sum.
  void attend(const Row& query, const Rows& keys, const Rows& values, std::size_t head, std::size_t heads,
              const std::vector<double>& bias, Row& weight, Row& result) const {
    const std::size_t dim = query.size() / heads, value_dim = result.size() / heads;
    for (std::size_t s = 0; s < keys.size(); ++s) {
      double dot = 0.0;
      for (std::size_t i = head * dim; i < (head + 1) * dim; ++i) dot += query[i] * keys[s][i];
      weight.push_back(dot / std::sqrt(static_cast<double>(dim)) + bias[s]);
    }
    const double largest = *std::max_element(weight.begin(), weight.end());
    double sum = 0.0;
    for (double& w : weight) sum += w = std::exp(w - largest);
    for (std::size_t s = 0; s < keys.size(); ++s) {
      weight[s] /= sum;
      for (std::size_t i = head * value_dim; i < (head + 1) * value_dim; ++i) result[i] += weight[s] * values[s][i];
    }
  }

  void forward(const Attention& attention) {
    if (attention.windows) return attend_in_windows(attention);
    const Rows &query = in(0), &key = in(1), &value = in(2);
    const std::size_t heads = static_cast<std::size_t>(network_.at(node_->inputs[0]).heads), keys = key.size();
    const std::size_t asked = attention.queries > 0 ? static_cast<std::size_t>(attention.queries) : query.size();
    out(1).assign(asked, Row(value[0].size(), 0.0));
    for (std::size_t head = 0; head < heads; ++head) {
      for (std::size_t t = 0; t < asked; ++t) {
        Row bias(keys, 0.0);
        for (std::size_t s = 0; s < keys && !attention.bias.empty(); ++s)
          bias[s] = attention.bias[(head * asked + t) * keys + s];
        attend(query[t], key, value, head, heads, bias, out(0).emplace_back(), out(1)[t]);
      }
    }
  }

  // Straight from what windows are, without the map: a place of the moved and padded grid is found in the grid that was
  // padded and then moved, or moved and then padded.
  void attend_in_windows(const Attention& attention) {
    const WindowSpec& w = *attention.windows;
    const int heads = network_.at(node_->inputs[0]).heads, slots = w.window_height * w.window_width;
    const int height = (w.grid_height + w.window_height - 1) / w.window_height * w.window_height;
    const int width = (w.grid_width + w.window_width - 1) / w.window_width * w.window_width;
    const auto moved = [&](int place, int size, int padded, int shift) {
      if (w.padding == WindowPadding::after_move) return place < size ? (place + shift) % size : -1;
      const int token = (place + shift) % padded;
      return token < size ? token : -1;
    };
    const auto band = [](int place, int padded, int window, int shift) {
      return shift == 0 ? 0 : (place >= padded - window) + (place >= padded - shift);
    };
    const auto token = [&](int y, int x) {
      const int row = moved(y, w.grid_height, height, w.shift_down),
                column = moved(x, w.grid_width, width, w.shift_right);
      return row < 0 || column < 0 ? -1 : row * w.grid_width + column;
    };
    const bool pads_seen = w.pad == PadToken::zero_input;
    const Row key_pad = w.has_pads() && pads_seen ? pad(1) : Row(),
              value_pad = w.has_pads() && pads_seen ? pad(2) : Row();
    out(0).assign(static_cast<std::size_t>(heads * w.tokens()), Row(static_cast<std::size_t>(slots), 0.0));
    out(1).assign(static_cast<std::size_t>(w.tokens()), Row(in(2)[0].size(), 0.0));
    for (int y = 0; y < height; ++y) {
      for (int x = 0; x < width; ++x) {
        if (token(y, x) < 0) continue;
        const int top = y / w.window_height * w.window_height, left = x / w.window_width * w.window_width;
        Rows keys, values;
        std::vector<int> seen;
        for (int slot = 0; slot < slots; ++slot) {
          const int ky = top + slot / w.window_width, kx = left + slot % w.window_width, t = token(ky, kx);
          if (t < 0 && !pads_seen) continue;
          if (band(ky, height, w.window_height, w.shift_down) != band(y, height, w.window_height, w.shift_down))
            continue;
          if (band(kx, width, w.window_width, w.shift_right) != band(x, width, w.window_width, w.shift_right)) continue;
          keys.push_back(t < 0 ? key_pad : in(1)[t]);
          values.push_back(t < 0 ? value_pad : in(2)[t]);
          seen.push_back(slot);
        }
        const int own = (y - top) * w.window_width + x - left;
        for (int head = 0; head < heads; ++head) {
          Row bias, weight;
          for (const int slot : seen)
            bias.push_back(attention.bias.empty() ? 0.0 : attention.bias[(head * slots + own) * slots + slot]);
          attend(in(0)[token(y, x)], keys, values, head, heads, bias, weight, out(1)[token(y, x)]);
          for (std::size_t s = 0; s < seen.size(); ++s) out(0)[head * w.tokens() + token(y, x)][seen[s]] = weight[s];
        }
      }
    }
  }

  void forward(const Gather& gather) {
    const MergeSpec& m = gather.merge;
    for (int y = 0; y < m.grid_height; y += 2) {
      for (int x = 0; x < m.grid_width; x += 2) {
        Row& row = out(0).emplace_back();
        for (const auto& [dy, dx] : {std::pair{0, 0}, std::pair{1, 0}, std::pair{0, 1}, std::pair{1, 1}}) {
          const bool inside = y + dy < m.grid_height && x + dx < m.grid_width;
          const Row part = inside ? in(0)[(y + dy) * m.grid_width + x + dx] : Row(in(0)[0].size(), 0.0);
          row.insert(row.end(), part.begin(), part.end());
        }
      }
    }
  }

  // As complex numbers.
  void forward(const Rotate& rotate) {
    const std::size_t heads = static_cast<std::size_t>(shape(0).heads), half = in(0)[0].size() / heads / 2;
    out(0) = in(0);
    for (std::size_t r = static_cast<std::size_t>(rotate.first_row); r < in(0).size(); ++r) {
      for (std::size_t i = 0; i < heads * half; ++i) {
        const std::size_t angle = (r - static_cast<std::size_t>(rotate.first_row)) * half + i % half;
        const std::size_t first = i / half * 2 * half + i % half;
        const std::complex<double> turn(rotate.cosines[angle], rotate.sines[angle]);
        const std::complex<double> turned = std::complex<double>(in(0)[r][first], in(0)[r][first + half]) * turn;
        out(0)[r][first] = turned.real();
        out(0)[r][first + half] = turned.imag();
      }
    }
  }

  void forward(const Copy&) { out(0) = in(0); }

  void forward(const MeanRows& mean) {
    out(0).assign(in(0).begin(), in(0).begin() + mean.copied);
    Row& y = out(0).emplace_back(in(0)[0].size(), 0.0);
    for (int r = mean.first_row; r < mean.first_row + mean.count; ++r) {
      for (std::size_t i = 0; i < y.size(); ++i) y[i] += in(0)[r][i] / mean.count;
    }
  }

  const FloatNetwork& network_;
  const std::uint8_t* picture_;
  const Node* node_ = nullptr;
  std::vector<Rows> tensors_;
};

// Fills the tensors that a description asks for, large enough that no part of the network is negligible.
inline VitWeights random_weights(const VitDescription& vit, unsigned seed) {
  std::mt19937 random(seed);
  const auto fill = [&](std::size_t count, double centre, double deviation) {
    std::normal_distribution<double> normal(centre, deviation);
    std::vector<float> values(count);
    for (float& v : values) v = static_cast<float>(normal(random));
    return values;
  };
  const auto random_linear = [&](int out, int in) {
    return FloatLinear{out, in, fill(static_cast<std::size_t>(out) * in, 0.0, 1.5 / std::sqrt(in)),
                       fill(out, 0.0, 0.3)};
  };
  const int channels = vit.embed_dim;
  const auto random_norm = [&] { return FloatLayerNorm{fill(channels, 1.0, 0.3), fill(channels, 0.0, 0.3)}; };
  VitWeights weights;
  weights.description = vit;
  weights.patch_embed = random_linear(channels, vit.patch_size * vit.patch_size * 3);
  weights.token_init = fill(static_cast<std::size_t>(vit.tokens()) * channels, 0.0, 0.5);
  for (int i = 0; i < vit.depth; ++i) {
    weights.blocks.push_back({random_norm(), random_linear(3 * channels, channels), random_linear(channels, channels),
                              random_norm(), random_linear(vit.fc1_dim(), channels),
                              random_linear(channels, vit.mlp_dim)});
  }
  weights.norm = random_norm();
  if (vit.num_classes > 0) {
    weights.head = random_linear(vit.num_classes, vit.head_columns());
  }
  if (vit.pre_norm) weights.norm_pre = random_norm();
  return weights;
}

inline FloatNetwork random_network(const VitDescription& vit, unsigned seed, const OutputChoice& outputs = {}) {
  return build_vit(random_weights(vit, seed), outputs).take();
}

}  // namespace intvit::float_reference
