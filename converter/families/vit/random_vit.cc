#include "converter/families/vit/random_vit.h"

#include <algorithm>

#include "converter/families/family.h"
#include "converter/families/random_layers.h"
#include "converter/families/vit/build_vit.h"
#include "models/architectures.h"

namespace intvit {
VitWeights random_vit_weights(const VitDescription& vit, std::uint64_t seed) {
  RandomLayers random(seed);
  const auto linear = [&](int out, int in) { return random.linear(out, in); };
  const auto norm = [&] { return random.norm(vit.embed_dim); };
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
    block.fc1 = linear(vit.fc1_dim(), vit.embed_dim);
    block.fc2 = linear(vit.embed_dim, vit.mlp_dim);
    if (vit.mlp_norm) block.mlp_norm = random.norm(vit.mlp_dim);
    if (vit.relative_positions) {
      const std::size_t tokens = static_cast<std::size_t>(vit.tokens());
      block.bias.resize(static_cast<std::size_t>(vit.num_heads) * tokens * tokens);
      for (float& value : block.bias) value = random(1);
    }
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

Result<FloatNetwork> random_vit(const std::string& architecture, const InputSize& input, std::uint64_t seed,
                                const OutputChoice& outputs) {
  VitDescription vit = *describe_architecture(architecture);
  if (input.given()) {
    vit.preprocessing.height = input.height;
    vit.preprocessing.width = input.width;
    if (input.height % vit.patch_size != 0 || input.width % vit.patch_size != 0) {
      return Status(Code::invalid_argument, "patches of " + std::to_string(vit.patch_size) + " do not divide " +
                                                std::to_string(input.height) + "x" + std::to_string(input.width) +
                                                "; see --input-size");
    }
  }
  return build_vit(random_vit_weights(vit, seed), outputs);
}

}  // namespace intvit
