#include "models/tensor_names.h"

#include <string>

namespace intvit {
namespace {

constexpr char kBlockNumber = '#';  // stands for the decimal number of a block in the table

struct NamePair {
  const char* hugging_face;
  const char* canonical;
  TensorPart part = TensorPart::whole;
};

// Without the ending .weight or .bias where there is one. Two names may lead to one canonical name (the heads); the
// first is the one that messages show.
constexpr NamePair kNamePairs[] = {
    {"embeddings.cls_token", "cls_token"},
    {"embeddings.distillation_token", "dist_token"},
    {"embeddings.position_embeddings", "pos_embed"},
    {"embeddings.patch_embeddings.projection", "patch_embed.proj"},
    {"encoder.layer.#.layernorm_before", "blocks.#.norm1"},
    {"encoder.layer.#.attention.attention.query", "blocks.#.attn.qkv", TensorPart::query},
    {"encoder.layer.#.attention.attention.key", "blocks.#.attn.qkv", TensorPart::key},
    {"encoder.layer.#.attention.attention.value", "blocks.#.attn.qkv", TensorPart::value},
    {"encoder.layer.#.attention.output.dense", "blocks.#.attn.proj"},
    {"encoder.layer.#.layernorm_after", "blocks.#.norm2"},
    {"encoder.layer.#.intermediate.dense", "blocks.#.mlp.fc1"},
    {"encoder.layer.#.output.dense", "blocks.#.mlp.fc2"},
    {"layernorm", "norm"},
    {"classifier", "head"},
    {"cls_classifier", "head"},
    {"distillation_classifier", "head_dist"},
};

bool is_digit(char c) { return c >= '0' && c <= '9'; }

// True when `name` is `pattern` with some digits for '#'; `number` gets those digits.
bool matches(std::string_view name, std::string_view pattern, std::string_view& number) {
  const std::size_t at = pattern.find(kBlockNumber);
  if (at == std::string_view::npos) return name == pattern;
  if (name.substr(0, at) != pattern.substr(0, at)) return false;
  std::size_t end = at;
  while (end < name.size() && is_digit(name[end])) ++end;
  if (end == at || name.substr(end) != pattern.substr(at + 1)) return false;
  number = name.substr(at, end - at);
  return true;
}

std::string with_number(std::string_view pattern, std::string_view number) {
  std::string name(pattern);
  const std::size_t at = name.find(kBlockNumber);
  if (at != std::string::npos) name.replace(at, 1, number);
  return name;
}

// The ending .weight or .bias, cut off `name`; empty when it has none.
std::string_view cut_ending(std::string_view& name) {
  for (const std::string_view ending : {std::string_view(".weight"), std::string_view(".bias")}) {
    if (name.ends_with(ending)) {
      name.remove_suffix(ending.size());
      return ending;
    }
  }
  return {};
}

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

void add_qkv(const std::string& name, const VitDescription& vit, bool split, std::vector<TensorSpec>& specs) {
  const std::int64_t channels = vit.embed_dim;
  if (!split) {
    add({name + ".weight"}, {3 * channels, channels}, specs);
    if (vit.qkv_bias) add({name + ".bias"}, {3 * channels}, specs);
    return;
  }
  for (const TensorPart part : {TensorPart::query, TensorPart::key, TensorPart::value}) {
    add({name + ".weight", part}, {channels, channels}, specs);
    if (vit.qkv_bias) add({name + ".bias", part}, {channels}, specs);
  }
}

}  // namespace

std::vector<TensorSpec> vit_tensors(const VitDescription& vit, const TensorLayout& layout) {
  const std::int64_t channels = vit.embed_dim;
  std::vector<TensorSpec> specs;
  if (vit.class_token) add({"cls_token"}, {1, 1, channels}, specs);
  if (vit.distillation_token) add({"dist_token"}, {1, 1, channels}, specs);
  if (vit.register_tokens > 0) add({"reg_token"}, {1, vit.register_tokens, channels}, specs);
  add({"pos_embed"}, {1, vit.no_embed_class ? vit.patches() : vit.tokens(), channels}, specs);
  add({"patch_embed.proj.weight"}, {channels, 3, vit.patch_size, vit.patch_size}, specs);
  if (!vit.pre_norm) add({"patch_embed.proj.bias"}, {channels}, specs);
  if (vit.pre_norm) add_norm("norm_pre", channels, specs);
  for (int i = 0; i < vit.depth; ++i) {
    const std::string block = "blocks." + std::to_string(i) + ".";
    add_norm(block + "norm1", channels, specs);
    add_qkv(block + "attn.qkv", vit, layout.split_qkv, specs);
    add_linear(block + "attn.proj", {channels, channels}, specs);
    if (vit.layer_scale) add({block + "ls1.gamma"}, {channels}, specs);
    add_norm(block + "norm2", channels, specs);
    add_linear(block + "mlp.fc1", {vit.mlp_dim, channels}, specs);
    add_linear(block + "mlp.fc2", {channels, vit.mlp_dim}, specs);
    if (vit.layer_scale) add({block + "ls2.gamma"}, {channels}, specs);
  }
  add_norm(vit.fc_norm ? "fc_norm" : "norm", channels, specs);
  if (vit.num_classes > 0) add_linear("head", {vit.num_classes, channels}, specs);
  if (vit.num_classes > 0 && layout.distillation_head) add_linear("head_dist", {vit.num_classes, channels}, specs);
  return specs;
}

std::optional<TensorName> canonical_from_hugging_face(std::string_view name) {
  for (const std::string_view prefix : {std::string_view("vit."), std::string_view("deit.")}) {
    if (name.starts_with(prefix)) {
      name.remove_prefix(prefix.size());
      break;
    }
  }
  const std::string_view ending = cut_ending(name);
  std::string_view number;
  for (const NamePair& pair : kNamePairs) {
    if (!matches(name, pair.hugging_face, number)) continue;
    return TensorName{with_number(pair.canonical, number).append(ending), pair.part};
  }
  return std::nullopt;
}

std::string hugging_face_name(const TensorName& canonical) {
  std::string_view name = canonical.name;
  const std::string_view ending = cut_ending(name);
  std::string_view number;
  for (const NamePair& pair : kNamePairs) {
    if (pair.part != canonical.part || !matches(name, pair.canonical, number)) continue;
    return with_number(pair.hugging_face, number).append(ending);
  }
  return canonical.name;
}

bool is_harmless_extra(std::string_view name) {
  for (const std::string_view prefix : {std::string_view("vit."), std::string_view("deit.")}) {
    if (name.starts_with(prefix)) name.remove_prefix(prefix.size());
  }
  return name.ends_with("num_batches_tracked") || name.ends_with("position_ids") ||
         name.ends_with("relative_position_index") || name == "mask_token" || name == "embeddings.mask_token" ||
         name == "pooler.dense.weight" || name == "pooler.dense.bias";
}

std::string unsupported_feature(std::string_view name) {
  if (name.starts_with("patch_embed.norm.")) return "a norm in the patch embedding";
  if (name.starts_with("patch_embed.backbone.")) return "a convolutional stem (hybrid)";
  if (name.starts_with("attn_pool.")) return "attention pooling (attn_pool)";
  if (contains(name, ".attn.q_norm.") || contains(name, ".attn.k_norm.")) return "a norm on queries and keys (qk_norm)";
  if (contains(name, ".attn.norm.")) return "a norm inside the attention (scale_attn_norm)";
  if (contains(name, ".mlp.norm.")) return "a norm inside the MLP (scale_mlp_norm)";
  if (contains(name, ".mlp.w12.") || contains(name, ".mlp.w3.") || contains(name, ".mlp.fc1_g.")) return "SwiGLU";
  if (contains(name, "relative_position_bias_table") || contains(name, ".rel_pos")) return "relative positions";
  if (name.starts_with("rope.") || contains(name, ".rope.") || contains(name, "freqs"))
    return "rotary positions (rope)";
  if (contains(name, "layer_scale1.lambda1") || contains(name, "layer_scale2.lambda1"))
    return "DINOv2 in "
           "transformers' names (timm's can be read)";
  return {};
}

}  // namespace intvit
