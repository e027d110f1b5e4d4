// The float network written down a second time: in double precision, one loop per sum, no library, no speed, and node
// by node, so that it knows no architecture. What FloatForward is tested against; and small random networks to test it
// with.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <random>
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

inline Row layer_norm(const FloatLayerNorm& norm, double eps, const Row& x) {
  double mean = 0.0, variance = 0.0;
  for (double v : x) mean += v / static_cast<double>(x.size());
  for (double v : x) variance += (v - mean) * (v - mean) / static_cast<double>(x.size());
  Row y(x.size());
  for (std::size_t i = 0; i < x.size(); ++i) {
    y[i] = (x[i] - mean) / std::sqrt(variance + eps) * norm.gamma[i] + norm.beta[i];
  }
  return y;
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
    for (int r = 0; r < shape(0).rows; ++r)
      out(0).push_back(layer_norm(norm.norm, norm.eps, in(0)[norm.first_row + r]));
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

  void forward(const Attention& attention) {
    const Rows &query = in(0), &key = in(1), &value = in(2);
    const std::size_t heads = static_cast<std::size_t>(network_.at(node_->inputs[0]).heads);
    const std::size_t dim = query[0].size() / heads, value_dim = value[0].size() / heads;
    const std::size_t asked = attention.queries > 0 ? static_cast<std::size_t>(attention.queries) : query.size();
    out(1).assign(asked, Row(value[0].size(), 0.0));
    for (std::size_t head = 0; head < heads; ++head) {
      for (std::size_t t = 0; t < asked; ++t) {
        Row& weight = out(0).emplace_back();
        for (const Row& k : key) {
          double dot = 0.0;
          for (std::size_t i = head * dim; i < (head + 1) * dim; ++i) dot += query[t][i] * k[i];
          weight.push_back(dot / std::sqrt(static_cast<double>(dim)));
        }
        const double largest = *std::max_element(weight.begin(), weight.end());
        double sum = 0.0;
        for (double& w : weight) sum += w = std::exp(w - largest);
        for (std::size_t s = 0; s < key.size(); ++s) {
          weight[s] /= sum;
          for (std::size_t i = head * value_dim; i < (head + 1) * value_dim; ++i)
            out(1)[t][i] += weight[s] * value[s][i];
        }
      }
    }
  }

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
                              random_norm(), random_linear(vit.mlp_dim, channels),
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
