#include "converter/families/vit/random_vit.h"

#include <algorithm>
#include <cmath>
#include <random>

#include "converter/families/vit/build_vit.h"

namespace intvit {
namespace {

// Sum of four uniform numbers: near enough to normal, and unlike std::normal_distribution the same with every library.
class RandomNormal {
 public:
  explicit RandomNormal(std::uint64_t seed) : engine_(seed) {}
  float operator()(double deviation) {
    double sum = 0;
    for (int i = 0; i < 4; ++i) sum += static_cast<double>(engine_() >> 11) * 0x1p-53 - 0.5;
    return static_cast<float>(sum * std::sqrt(3.0) * deviation);
  }

 private:
  std::mt19937_64 engine_;
};

}  // namespace

VitWeights random_vit_weights(const VitDescription& vit, std::uint64_t seed) {
  RandomNormal random(seed);
  const auto linear = [&](int out, int in) {
    FloatLinear layer;
    layer.out = out;
    layer.in = in;
    layer.weight.resize(static_cast<std::size_t>(out) * static_cast<std::size_t>(in));
    layer.bias.resize(static_cast<std::size_t>(out));
    for (float& w : layer.weight) w = random(1 / std::sqrt(static_cast<double>(in)));
    for (float& b : layer.bias) b = random(0.05);
    return layer;
  };
  const auto norm = [&] {
    FloatLayerNorm layer;
    for (int c = 0; c < vit.embed_dim; ++c) {
      layer.gamma.push_back(1 + random(0.2));
      layer.beta.push_back(random(0.1));
    }
    return layer;
  };
  VitWeights network;
  network.description = vit;
  network.patch_embed = linear(vit.embed_dim, vit.patch_size * vit.patch_size * 3);
  network.token_init.resize(static_cast<std::size_t>(vit.tokens()) * static_cast<std::size_t>(vit.embed_dim));
  for (float& value : network.token_init) value = random(0.3);
  for (int b = 0; b < vit.depth; ++b) {
    FloatBlock block;
    block.norm1 = norm();
    block.qkv = linear(3 * vit.embed_dim, vit.embed_dim);
    block.proj = linear(vit.embed_dim, vit.embed_dim);
    block.norm2 = norm();
    block.fc1 = linear(vit.mlp_dim, vit.embed_dim);
    block.fc2 = linear(vit.embed_dim, vit.mlp_dim);
    network.blocks.push_back(std::move(block));
  }
  network.norm = norm();
  if (vit.num_classes > 0) network.head = linear(vit.num_classes, vit.head_columns());
  if (vit.projection_dim > 0) network.head = linear(vit.projection_dim, vit.embed_dim);
  if (vit.pooling == Pooling::attention) {
    network.pool.qkv = linear(3 * vit.embed_dim, vit.embed_dim);
    const std::size_t of_query = static_cast<std::size_t>(vit.embed_dim) * static_cast<std::size_t>(vit.embed_dim);
    std::fill_n(network.pool.qkv.weight.begin(), of_query, 0.0f);
    for (int c = 0; c < vit.embed_dim; ++c) network.pool.qkv.bias[static_cast<std::size_t>(c)] = random(1);
    network.pool.proj = linear(vit.embed_dim, vit.embed_dim);
    network.pool.norm = norm();
    network.pool.fc1 = linear(vit.mlp_dim, vit.embed_dim);
    network.pool.fc2 = linear(vit.embed_dim, vit.mlp_dim);
  }
  if (vit.pre_norm) network.norm_pre = norm();
  return network;
}

FloatNetwork random_network(const VitDescription& vit, std::uint64_t seed, const OutputChoice& outputs) {
  return build_vit(random_vit_weights(vit, seed), outputs).take();
}

}  // namespace intvit
