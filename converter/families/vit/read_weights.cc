#include "converter/families/vit/read_weights.h"

#include <algorithm>
#include <span>
#include <utility>

#include "converter/families/relative_bias.h"
#include "converter/families/vit/resize_positions.h"
#include "converter/families/weight_reader.h"

namespace intvit {
namespace {

using Floats = std::vector<float>;

class VitReader : WeightReader {
 public:
  VitReader(const VitDescription& vit, const TensorLayout& layout, const TensorTable& tensors)
      : WeightReader(tensors), vit_(vit), layout_(layout) {}

  Result<VitWeights> run() {
    VitWeights network;
    network.description = vit_;
    network.patch_embed = patch_embed(vit_.embed_dim, vit_.patch_size);
    network.token_init = token_init();
    if (vit_.pre_norm) network.norm_pre = norm("norm_pre");
    for (int i = 0; i < vit_.depth && status().ok(); ++i) {
      network.blocks.push_back(block("blocks." + std::to_string(i) + "."));
    }
    network.norm = norm(vit_.fc_norm ? "fc_norm" : "norm");
    if (vit_.num_classes > 0) network.head = head();
    if (vit_.projection_dim > 0) network.head = projection();
    if (vit_.pooling == Pooling::attention) network.pool = attention_pool();
    if (!status().ok()) return status();
    return network;
  }

 private:
  // The rows of the prefix tokens (class, distillation, registers), with their positions where they have any, then the
  // positions of the patches.
  Floats token_init() {
    Floats tokens;
    const auto append = [this, &tokens](bool present, const char* name) {
      if (!present) return;
      const Floats row = read(name);
      tokens.insert(tokens.end(), row.begin(), row.end());
    };
    append(vit_.class_token, "cls_token");
    append(vit_.distillation_token, "dist_token");
    append(vit_.register_tokens > 0, "reg_token");
    if (!vit_.absolute_positions) {
      tokens.resize(static_cast<std::size_t>(vit_.tokens()) * static_cast<std::size_t>(vit_.embed_dim), 0.0f);
      return tokens;
    }
    const Floats positions = read("pos_embed");
    if (!status().ok()) return {};
    const std::size_t of_prefix =
        static_cast<std::size_t>(vit_.position_prefix()) * static_cast<std::size_t>(vit_.embed_dim);
    for (std::size_t i = 0; i < of_prefix; ++i) tokens[i] += positions[i];
    const Floats of_patches = resize_positions(std::span(positions).subspan(of_prefix), vit_.embed_dim,
                                               {layout_.position_height, layout_.position_width},
                                               {vit_.grid_height(), vit_.grid_width()}, layout_.position_resize);
    tokens.insert(tokens.end(), of_patches.begin(), of_patches.end());
    return tokens;
  }

  // gamma * (W x + b) = (gamma W) x + gamma b
  void fold_layer_scale(const std::string& name, FloatLinear& layer) {
    if (!vit_.layer_scale) return;
    const Floats gamma = read(name + ".gamma");
    if (!status().ok()) return;
    const std::size_t in = static_cast<std::size_t>(layer.in);
    for (std::size_t out = 0; out < gamma.size(); ++out) {
      for (std::size_t i = 0; i < in; ++i) layer.weight[out * in + i] *= gamma[out];
      layer.bias[out] *= gamma[out];
    }
  }

  FloatBlock block(const std::string& name) {
    FloatBlock block;
    block.norm1 = norm(name + "norm1");
    block.qkv = qkv(name + "attn.qkv", vit_.embed_dim);
    block.proj = linear(name + "attn.proj", vit_.embed_dim, vit_.embed_dim);
    fold_layer_scale(name + "ls1", block.proj);
    block.norm2 = norm(name + "norm2");
    block.fc1 = fc1(name + "mlp.fc1", vit_.fc1_dim(), vit_.embed_dim);
    block.fc2 = linear(name + "mlp.fc2", vit_.embed_dim, vit_.mlp_dim);
    fold_layer_scale(name + "ls2", block.fc2);
    if (vit_.mlp_norm) block.mlp_norm = norm(name + "mlp.norm");
    if (vit_.rotary == Rotary::grid) part_pairs(block.qkv);
    if (vit_.relative_positions) {
      const Floats table = read(name + "attn.relative_position_bias_table");
      if (!status().ok()) return block;
      block.bias = relative_bias_with_class(table, vit_.num_heads, vit_.grid_height(), vit_.grid_width());
    }
    return block;
  }

  // EVA-02 turns neighbours, 2i and 2i + 1 of each head. Of queries and keys alike they may lie in any order.
  void part_pairs(FloatLinear& qkv) const {
    if (!status().ok()) return;
    const FloatLinear old = qkv;
    const int head_dim = vit_.head_dim(), half = head_dim / 2;
    for (int row = 0; row < 2 * vit_.embed_dim; ++row) {
      const int i = row % head_dim, from = row - i + (i < half ? 2 * i : 2 * (i - half) + 1);
      std::copy_n(old.weight.begin() + std::ptrdiff_t{from} * qkv.in, qkv.in,
                  qkv.weight.begin() + std::ptrdiff_t{row} * qkv.in);
      qkv.bias[static_cast<std::size_t>(row)] = old.bias[static_cast<std::size_t>(from)];
    }
  }

  // With a distillation token the logits are the mean of two heads, (W c + b + V d + e) / 2 = [W/2 V/2] [c d] +
  // (b + e)/2. A distilled network that transformers gave one head only ignores d: [W 0].
  FloatLinear head() {
    FloatLinear head = linear("head", vit_.num_classes, vit_.class_and_mean ? vit_.head_columns() : vit_.embed_dim);
    if (!vit_.distillation_token || !status().ok()) return head;
    FloatLinear second = {head.out, head.in, Floats(head.weight.size()), Floats(head.bias.size())};
    const float share = layout_.distillation_head ? 0.5f : 1.0f;
    if (layout_.distillation_head) second = linear("head_dist", vit_.num_classes, vit_.embed_dim);
    if (!status().ok()) return head;
    FloatLinear both = {head.out, 2 * head.in, {}, {}};
    both.weight.reserve(2 * head.weight.size());
    const std::size_t in = static_cast<std::size_t>(head.in);
    for (std::size_t out = 0; out < head.bias.size(); ++out) {
      for (std::size_t i = 0; i < in; ++i) both.weight.push_back(share * head.weight[out * in + i]);
      for (std::size_t i = 0; i < in; ++i) both.weight.push_back(share * second.weight[out * in + i]);
      both.bias.push_back(share * head.bias[out] + share * second.bias[out]);
    }
    return both;
  }

  FloatLinear projection() {
    FloatLinear layer = {vit_.projection_dim, vit_.embed_dim, read("head.weight"), {}};
    if (layout_.projection_bias) layer.bias = read("head.bias");
    layer.bias.resize(static_cast<std::size_t>(layer.out), 0.0f);
    if (!layout_.transposed_projection) return layer;
    const std::size_t out = static_cast<std::size_t>(layer.out), in = static_cast<std::size_t>(layer.in);
    const Floats transposed = std::exchange(layer.weight, Floats(layer.weight.size()));
    for (std::size_t i = 0; i < transposed.size(); ++i) layer.weight[i % out * in + i / out] = transposed[i];
    return layer;
  }

  // The query is W latent + b for every picture. It becomes the bias of rows of zeros.
  FloatAttentionPool attention_pool() {
    const int channels = vit_.embed_dim;
    const Floats latent = read("attn_pool.latent");
    FloatAttentionPool pool;
    pool.qkv = layout_.packed_pool ? linear("attn_pool.qkv", 3 * channels, channels) : joined_pool();
    pool.proj = linear("attn_pool.proj", channels, channels);
    pool.norm = norm("attn_pool.norm");
    pool.fc1 = linear("attn_pool.mlp.fc1", vit_.mlp_dim, channels);
    pool.fc2 = linear("attn_pool.mlp.fc2", channels, vit_.mlp_dim);
    if (!status().ok()) return pool;
    const std::size_t columns = latent.size();
    for (std::size_t out = 0; out < columns; ++out) {
      double query = pool.qkv.bias[out];
      for (std::size_t in = 0; in < columns; ++in) {
        query += static_cast<double>(std::exchange(pool.qkv.weight[out * columns + in], 0.0f)) * latent[in];
      }
      pool.qkv.bias[out] = static_cast<float>(query);
    }
    return pool;
  }

  // timm keeps the query's layer apart from that of key and value.
  FloatLinear joined_pool() {
    FloatLinear all = linear("attn_pool.q", 3 * vit_.embed_dim, vit_.embed_dim);
    const FloatLinear others = linear("attn_pool.kv", 0, 0);
    all.weight.insert(all.weight.end(), others.weight.begin(), others.weight.end());
    all.bias.insert(all.bias.end(), others.bias.begin(), others.bias.end());
    return all;
  }

  const VitDescription& vit_;
  const TensorLayout& layout_;
};

}  // namespace

Result<VitWeights> read_vit_weights(const VitDescription& vit, const TensorLayout& layout, const TensorTable& tensors) {
  return VitReader(vit, layout, tensors).run();
}

}  // namespace intvit
