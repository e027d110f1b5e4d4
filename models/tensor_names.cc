#include "models/tensor_names.h"

#include <string>
#include <utility>

namespace intvit {
namespace {

bool contains(std::string_view text, std::string_view part) { return text.find(part) != std::string_view::npos; }

using Shape = std::vector<std::int64_t>;

// A function and not nested braces, about which gcc 12 warns wrongly (-Wmaybe-uninitialized).
void add(TensorName name, Shape shape, std::vector<TensorSpec>& specs) {
  TensorSpec spec;
  spec.name = std::move(name);
  spec.shape = std::move(shape);
  specs.push_back(std::move(spec));
}

void add_norm(const std::string& name, std::int64_t channels, std::vector<TensorSpec>& specs) {
  add({name + ".weight"}, {channels}, specs);
  add({name + ".bias"}, {channels}, specs);
}

void add_linear(const std::string& name, Shape shape, std::vector<TensorSpec>& specs) {
  const std::int64_t out = shape[0];
  add({name + ".weight"}, std::move(shape), specs);
  add({name + ".bias"}, {out}, specs);
}

void add_qkv(const std::string& name, const VitDescription& vit, const TensorLayout& layout,
             std::vector<TensorSpec>& specs) {
  const std::int64_t channels = vit.embed_dim;
  if (!layout.split_qkv) {
    add({name + ".weight"}, {3 * channels, channels}, specs);
    if (vit.qkv_bias && !layout.split_biases) add({name + ".bias"}, {3 * channels}, specs);
    if (!layout.split_biases) return;
  }
  for (const TensorPart part : {TensorPart::query, TensorPart::key, TensorPart::value}) {
    if (layout.split_qkv) add({name + ".weight", part}, {channels, channels}, specs);
    const bool biased = vit.qkv_bias && (part != TensorPart::key || layout.key_bias);
    if (biased) add({name + ".bias", part}, {channels}, specs);
  }
}

void add_fc1(const std::string& name, const VitDescription& vit, const TensorLayout& layout,
             std::vector<TensorSpec>& specs) {
  const int rows = layout.split_gate ? vit.mlp_dim : vit.fc1_dim();
  add_linear(name, {rows, vit.embed_dim}, specs);
  if (!layout.split_gate) return;
  add({name + ".weight", TensorPart::gate}, {rows, vit.embed_dim}, specs);
  add({name + ".bias", TensorPart::gate}, {rows}, specs);
}

void add_attention_pool(const VitDescription& vit, const TensorLayout& layout, std::vector<TensorSpec>& specs) {
  const std::int64_t channels = vit.embed_dim;
  add({"attn_pool.latent"}, {1, 1, channels}, specs);
  if (layout.packed_pool) {
    add_linear("attn_pool.qkv", {3 * channels, channels}, specs);
  } else {
    add_linear("attn_pool.q", {channels, channels}, specs);
    add_linear("attn_pool.kv", {2 * channels, channels}, specs);
  }
  add_linear("attn_pool.proj", {channels, channels}, specs);
  add_norm("attn_pool.norm", channels, specs);
  add_linear("attn_pool.mlp.fc1", {vit.mlp_dim, channels}, specs);
  add_linear("attn_pool.mlp.fc2", {channels, vit.mlp_dim}, specs);
}

}  // namespace

std::vector<TensorSpec> vit_tensors(const VitDescription& vit, const TensorLayout& layout) {
  const std::int64_t channels = vit.embed_dim;
  std::vector<TensorSpec> specs;
  if (vit.class_token) add({"cls_token"}, {1, 1, channels}, specs);
  if (vit.distillation_token) add({"dist_token"}, {1, 1, channels}, specs);
  if (vit.register_tokens > 0) add({"reg_token"}, {1, vit.register_tokens, channels}, specs);
  const int patches = layout.position_height > 0 ? layout.position_height * layout.position_width : vit.patches();
  if (vit.absolute_positions) add({"pos_embed"}, {1, vit.position_prefix() + patches, channels}, specs);
  add({"patch_embed.proj.weight"}, {channels, 3, vit.patch_size, vit.patch_size}, specs);
  if (!vit.pre_norm) add({"patch_embed.proj.bias"}, {channels}, specs);
  if (vit.pre_norm) add_norm("norm_pre", channels, specs);
  for (int i = 0; i < vit.depth; ++i) {
    const std::string block = "blocks." + std::to_string(i) + ".";
    add_norm(block + "norm1", channels, specs);
    add_qkv(block + "attn.qkv", vit, layout, specs);
    if (vit.relative_positions) {
      const std::int64_t offsets = std::int64_t{2 * vit.grid_height() - 1} * (2 * vit.grid_width() - 1);
      add({block + "attn.relative_position_bias_table"}, {offsets + 3, vit.num_heads}, specs);
    }
    add_linear(block + "attn.proj", {channels, channels}, specs);
    if (vit.layer_scale) add({block + "ls1.gamma"}, {channels}, specs);
    add_norm(block + "norm2", channels, specs);
    add_fc1(block + "mlp.fc1", vit, layout, specs);
    if (vit.mlp_norm) add_norm(block + "mlp.norm", vit.mlp_dim, specs);
    add_linear(block + "mlp.fc2", {channels, vit.mlp_dim}, specs);
    if (vit.layer_scale) add({block + "ls2.gamma"}, {channels}, specs);
  }
  add_norm(vit.fc_norm ? "fc_norm" : "norm", channels, specs);
  // The two heads of a distilled network have a row each.
  const std::int64_t head_columns = vit.class_and_mean ? 2 * channels : channels;
  if (vit.num_classes > 0) add_linear("head", {vit.num_classes, head_columns}, specs);
  if (vit.num_classes > 0 && layout.distillation_head) add_linear("head_dist", {vit.num_classes, channels}, specs);
  if (vit.pooling == Pooling::attention) add_attention_pool(vit, layout, specs);
  if (vit.projection_dim > 0) {
    Shape shape = {vit.projection_dim, channels};
    if (layout.transposed_projection) std::swap(shape[0], shape[1]);
    add({"head.weight"}, std::move(shape), specs);
    if (layout.projection_bias) add({"head.bias"}, {vit.projection_dim}, specs);
  }
  return specs;
}

bool is_harmless_extra(std::string_view name) {
  return name.ends_with("num_batches_tracked") || name.ends_with("position_ids") ||
         name.ends_with("relative_position_index") || name.ends_with("relative_coords_table") ||
         name.ends_with("attn_mask") || name == "mask_token" || name == "embeddings.mask_token" ||
         name == "rope_embed.periods" || name == "pooler.dense.weight" || name == "pooler.dense.bias";
}

std::string unsupported_feature(std::string_view name) {
  if (name.starts_with("patch_embed.norm.")) return "a norm in the patch embedding";
  if (name.starts_with("patch_embed.backbone.")) return "a convolutional stem (hybrid)";
  if (name.starts_with("visual.attn_pool.")) return "attention pooling (attn_pool)";
  if (name.starts_with("visual.head.mlp.")) return "an MLP behind the image tower (timm_proj mlp)";
  if (name.starts_with("visual.head.pool.")) return "a pooling of open_clip's own (timm_pool)";
  if (contains(name, ".attn.q_norm.") || contains(name, ".attn.k_norm.")) return "a norm on queries and keys (qk_norm)";
  if (contains(name, ".attn.norm.")) return "a norm inside the attention (scale_attn_norm)";
  const bool of_block = name.starts_with("blocks.") && name.ends_with(".attn.relative_position_bias_table");
  if ((contains(name, "relative_position_bias_table") && !of_block) || contains(name, ".rel_pos"))
    return "relative positions";
  if (name.starts_with("rope.") || contains(name, ".rope.") || contains(name, "freqs"))
    return "rotary positions (rope)";
  return {};
}

}  // namespace intvit
