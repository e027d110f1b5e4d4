// The Vision Transformer written down a second time: in double precision, one loop per sum, no library, no speed.
// What FloatForward is tested against; and small random networks to test it with.
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <random>
#include <vector>

#include "converter/float/network.h"

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

inline Rows attention(const Rows& qkv, int channels, int heads) {
  const int dim = channels / heads;
  Rows out(qkv.size(), Row(channels, 0.0));
  for (int head = 0; head < heads; ++head) {
    for (std::size_t t = 0; t < qkv.size(); ++t) {
      Row weight(qkv.size(), 0.0);
      double sum = 0.0;
      for (std::size_t s = 0; s < qkv.size(); ++s) {
        double dot = 0.0;
        for (int i = 0; i < dim; ++i) dot += qkv[t][head * dim + i] * qkv[s][channels + head * dim + i];
        weight[s] = std::exp(dot / std::sqrt(static_cast<double>(dim)));
        sum += weight[s];
      }
      for (std::size_t s = 0; s < qkv.size(); ++s) {
        for (int i = 0; i < dim; ++i) {
          out[t][head * dim + i] += weight[s] / sum * qkv[s][2 * channels + head * dim + i];
        }
      }
    }
  }
  return out;
}

inline Rows embed(const FloatNetwork& network, const std::uint8_t* pixels) {
  const VitDescription& vit = network.description;
  const Preprocessing& how = vit.preprocessing;
  const int channels = vit.embed_dim;
  Rows x;
  for (int t = 0; t < vit.tokens(); ++t) {
    const float* init = network.token_init.data() + static_cast<std::ptrdiff_t>(t) * channels;
    x.emplace_back(init, init + channels);
    const int patch = t - vit.prefix_tokens();
    if (patch < 0) continue;
    Row values;
    for (int y = 0; y < vit.patch_size; ++y) {
      for (int i = 0; i < vit.patch_size * 3; ++i) {
        const int row = patch / vit.grid_width() * vit.patch_size + y;
        const int column = patch % vit.grid_width() * vit.patch_size + i / 3;
        values.push_back((pixels[(row * how.width + column) * 3 + i % 3] / 255.0 - how.mean[i % 3]) /
                         how.stddev[i % 3]);
      }
    }
    const Row embedded = linear(network.patch_embed, values);
    for (int i = 0; i < channels; ++i) x.back()[i] += embedded[i];
  }
  return x;
}

inline Row forward(const FloatNetwork& network, const std::uint8_t* pixels) {
  const VitDescription& vit = network.description;
  const double eps = vit.layer_norm_eps;
  Rows x = embed(network, pixels);
  for (const FloatBlock& block : network.blocks) {
    Rows qkv;
    for (const Row& row : x) qkv.push_back(linear(block.qkv, layer_norm(block.norm1, eps, row)));
    const Rows attended = attention(qkv, vit.embed_dim, vit.num_heads);
    for (std::size_t t = 0; t < x.size(); ++t) {
      const Row projected = linear(block.proj, attended[t]);
      for (int i = 0; i < vit.embed_dim; ++i) x[t][i] += projected[i];
      Row hidden = linear(block.fc1, layer_norm(block.norm2, eps, x[t]));
      for (double& v : hidden) v = activate(vit.activation, v);
      const Row out = linear(block.fc2, hidden);
      for (int i = 0; i < vit.embed_dim; ++i) x[t][i] += out[i];
    }
  }
  Row pooled;
  if (vit.pooling == Pooling::token) {
    for (int t = 0; t * vit.embed_dim < network.head.in; ++t) {
      for (double v : layer_norm(network.norm, eps, x[t])) pooled.push_back(v);
    }
  } else {
    pooled.assign(vit.embed_dim, 0.0);
    for (int t = vit.prefix_tokens(); t < vit.tokens(); ++t) {
      const Row row = vit.fc_norm ? x[t] : layer_norm(network.norm, eps, x[t]);
      for (int i = 0; i < vit.embed_dim; ++i) pooled[i] += row[i] / vit.patches();
    }
    if (vit.fc_norm) pooled = layer_norm(network.norm, eps, pooled);
  }
  return linear(network.head, pooled);
}

// Fills the tensors that a description asks for, large enough that no part of the network is negligible.
inline FloatNetwork random_network(const VitDescription& vit, unsigned seed) {
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
  FloatNetwork network;
  network.description = vit;
  network.patch_embed = random_linear(channels, vit.patch_size * vit.patch_size * 3);
  network.token_init = fill(static_cast<std::size_t>(vit.tokens()) * channels, 0.0, 0.5);
  for (int i = 0; i < vit.depth; ++i) {
    network.blocks.push_back({random_norm(), random_linear(3 * channels, channels), random_linear(channels, channels),
                              random_norm(), random_linear(vit.mlp_dim, channels),
                              random_linear(channels, vit.mlp_dim)});
  }
  network.norm = random_norm();
  network.head = random_linear(vit.num_classes, vit.distillation_token ? 2 * channels : channels);
  return network;
}

}  // namespace intvit::float_reference
