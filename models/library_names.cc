#include "models/library_names.h"

#include <algorithm>
#include <array>
#include <span>

namespace intvit {
namespace {

constexpr char kBlockNumber = '#';  // stands for the decimal number of a block in the tables

struct NamePair {
  const char* library;
  const char* canonical;
  TensorPart part = TensorPart::whole;
};

// Names are whole or without their ending .weight or .bias. Two names may lead to one canonical name (the heads); the
// first is the one that messages show.
constexpr NamePair kTransformers[] = {
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

constexpr NamePair kTransformersDinov2[] = {
    {"embeddings.cls_token", "cls_token"},
    {"embeddings.register_tokens", "reg_token"},
    {"embeddings.position_embeddings", "pos_embed"},
    {"embeddings.patch_embeddings.projection", "patch_embed.proj"},
    {"encoder.layer.#.norm1", "blocks.#.norm1"},
    {"encoder.layer.#.attention.attention.query", "blocks.#.attn.qkv", TensorPart::query},
    {"encoder.layer.#.attention.attention.key", "blocks.#.attn.qkv", TensorPart::key},
    {"encoder.layer.#.attention.attention.value", "blocks.#.attn.qkv", TensorPart::value},
    {"encoder.layer.#.attention.output.dense", "blocks.#.attn.proj"},
    {"encoder.layer.#.layer_scale1.lambda1", "blocks.#.ls1.gamma"},
    {"encoder.layer.#.norm2", "blocks.#.norm2"},
    {"encoder.layer.#.mlp.fc1", "blocks.#.mlp.fc1"},
    {"encoder.layer.#.mlp.fc2", "blocks.#.mlp.fc2"},
    {"encoder.layer.#.layer_scale2.lambda1", "blocks.#.ls2.gamma"},
    {"layernorm", "norm"},
    {"classifier", "head"},
};

constexpr NamePair kDinov2[] = {
    {"register_tokens", "reg_token"},
    {"linear_head", "head"},
};

// The norm behind the last block is of the class token alone, so it is fc_norm.
constexpr NamePair kTransformersClip[] = {
    {"embeddings.class_embedding", "cls_token"},
    {"embeddings.position_embedding.weight", "pos_embed"},
    {"embeddings.patch_embedding", "patch_embed.proj"},
    {"pre_layrnorm", "norm_pre"},
    {"encoder.layers.#.layer_norm1", "blocks.#.norm1"},
    {"encoder.layers.#.self_attn.q_proj", "blocks.#.attn.qkv", TensorPart::query},
    {"encoder.layers.#.self_attn.k_proj", "blocks.#.attn.qkv", TensorPart::key},
    {"encoder.layers.#.self_attn.v_proj", "blocks.#.attn.qkv", TensorPart::value},
    {"encoder.layers.#.self_attn.out_proj", "blocks.#.attn.proj"},
    {"encoder.layers.#.layer_norm2", "blocks.#.norm2"},
    {"encoder.layers.#.mlp.fc1", "blocks.#.mlp.fc1"},
    {"encoder.layers.#.mlp.fc2", "blocks.#.mlp.fc2"},
    {"post_layernorm", "fc_norm"},
    {"visual_projection", "head"},
};

// query, key and value of the head are one tensor, and latent is what timm calls the probe.
constexpr NamePair kTransformersSiglip[] = {
    {"embeddings.position_embedding.weight", "pos_embed"},
    {"embeddings.patch_embedding", "patch_embed.proj"},
    {"encoder.layers.#.layer_norm1", "blocks.#.norm1"},
    {"encoder.layers.#.self_attn.q_proj", "blocks.#.attn.qkv", TensorPart::query},
    {"encoder.layers.#.self_attn.k_proj", "blocks.#.attn.qkv", TensorPart::key},
    {"encoder.layers.#.self_attn.v_proj", "blocks.#.attn.qkv", TensorPart::value},
    {"encoder.layers.#.self_attn.out_proj", "blocks.#.attn.proj"},
    {"encoder.layers.#.layer_norm2", "blocks.#.norm2"},
    {"encoder.layers.#.mlp.fc1", "blocks.#.mlp.fc1"},
    {"encoder.layers.#.mlp.fc2", "blocks.#.mlp.fc2"},
    {"post_layernorm", "norm"},
    {"head.probe", "attn_pool.latent"},
    {"head.attention.in_proj_weight", "attn_pool.qkv.weight"},
    {"head.attention.in_proj_bias", "attn_pool.qkv.bias"},
    {"head.attention.out_proj", "attn_pool.proj"},
    {"head.layernorm", "attn_pool.norm"},
    {"head.mlp.fc1", "attn_pool.mlp.fc1"},
    {"head.mlp.fc2", "attn_pool.mlp.fc2"},
};

constexpr NamePair kOpenClip[] = {
    {"visual.class_embedding", "cls_token"},
    {"visual.positional_embedding", "pos_embed"},
    {"visual.conv1", "patch_embed.proj"},
    {"visual.ln_pre", "norm_pre"},
    {"visual.transformer.resblocks.#.ln_1", "blocks.#.norm1"},
    {"visual.transformer.resblocks.#.attn.in_proj_weight", "blocks.#.attn.qkv.weight"},
    {"visual.transformer.resblocks.#.attn.in_proj_bias", "blocks.#.attn.qkv.bias"},
    {"visual.transformer.resblocks.#.attn.out_proj", "blocks.#.attn.proj"},
    {"visual.transformer.resblocks.#.ls_1.gamma", "blocks.#.ls1.gamma"},
    {"visual.transformer.resblocks.#.ln_2", "blocks.#.norm2"},
    {"visual.transformer.resblocks.#.mlp.c_fc", "blocks.#.mlp.fc1"},
    {"visual.transformer.resblocks.#.mlp.c_proj", "blocks.#.mlp.fc2"},
    {"visual.transformer.resblocks.#.ls_2.gamma", "blocks.#.ls2.gamma"},
    {"visual.ln_post", "fc_norm"},
    {"visual.proj", "head.weight"},
};

constexpr NamePair kOpenClipTimm[] = {
    {"visual.head.proj", "head"},
};

std::span<const NamePair> pairs_of(Naming naming) {
  switch (naming) {
    case Naming::timm:
      return {};
    case Naming::dinov2:
      return kDinov2;
    case Naming::transformers:
      return kTransformers;
    case Naming::transformers_dinov2:
      return kTransformersDinov2;
    case Naming::transformers_clip:
      return kTransformersClip;
    case Naming::transformers_siglip:
      return kTransformersSiglip;
    case Naming::open_clip:
      return kOpenClip;
    case Naming::open_clip_timm:
      return kOpenClipTimm;
  }
  return {};
}

constexpr std::array<std::string_view, 4> kWrappers = {"module.", "model.", "_orig_mod.", "timm_model."};

std::string_view first_prefix(std::string_view name, std::span<const std::string_view> prefixes) {
  const auto found =
      std::find_if(prefixes.begin(), prefixes.end(), [&](std::string_view prefix) { return name.starts_with(prefix); });
  return found == prefixes.end() ? std::string_view() : *found;
}

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

}  // namespace

std::optional<Naming> naming_of(std::string_view name) {
  if (name.ends_with("embeddings.patch_embeddings.projection.weight")) return Naming::transformers;
  if (name.ends_with(".layer_scale1.lambda1")) return Naming::transformers_dinov2;
  if (name.ends_with("embeddings.patch_embedding.weight")) return Naming::transformers_clip;
  if (name.ends_with("head.probe")) return Naming::transformers_siglip;
  if (name == "visual.conv1.weight") return Naming::open_clip;
  if (name.starts_with("visual.trunk.")) return Naming::open_clip_timm;
  // timm throws the mask token away.
  if (name == "register_tokens" || name == "mask_token") return Naming::dinov2;
  if (name == "linear_head.weight") return Naming::dinov2;
  return std::nullopt;
}

std::string_view wrapper_prefix(std::string_view name) { return first_prefix(name, kWrappers); }

std::string_view library_prefix(Naming naming, std::string_view name) {
  static constexpr std::string_view kVit[] = {"vit.", "deit."};
  static constexpr std::string_view kDino[] = {"dinov2.", "dinov2_with_registers."};
  static constexpr std::string_view kBackbone[] = {"backbone."};
  static constexpr std::string_view kVisionModel[] = {"vision_model."};
  static constexpr std::string_view kTrunk[] = {"visual.trunk."};
  if (naming == Naming::transformers) return first_prefix(name, kVit);
  if (naming == Naming::transformers_dinov2) return first_prefix(name, kDino);
  if (naming == Naming::dinov2) return first_prefix(name, kBackbone);
  if (naming == Naming::open_clip_timm) return first_prefix(name, kTrunk);
  return naming == Naming::open_clip ? std::string_view() : first_prefix(name, kVisionModel);
}

std::optional<TensorName> canonical_name(Naming naming, std::string_view name) {
  std::string_view stem = name, number;
  const std::string_view ending = cut_ending(stem);
  for (const NamePair& pair : pairs_of(naming)) {
    if (matches(name, pair.library, number)) return TensorName{with_number(pair.canonical, number), pair.part};
    if (!matches(stem, pair.library, number)) continue;
    return TensorName{with_number(pair.canonical, number).append(ending), pair.part};
  }
  return std::nullopt;
}

std::string library_name(Naming naming, const TensorName& canonical) {
  std::string_view stem = canonical.name, number;
  const std::string_view ending = cut_ending(stem);
  for (const NamePair& pair : pairs_of(naming)) {
    if (pair.part != canonical.part) continue;
    if (matches(canonical.name, pair.canonical, number)) return with_number(pair.library, number);
    if (!matches(stem, pair.canonical, number)) continue;
    return with_number(pair.library, number).append(ending);
  }
  return canonical.name;
}

bool is_text_tower(Naming naming, std::string_view name) {
  const bool of_open_clip = naming == Naming::open_clip || naming == Naming::open_clip_timm;
  if (!of_open_clip && naming != Naming::transformers_clip && naming != Naming::transformers_siglip) return false;
  static constexpr std::string_view kTransformersText[] = {"text_model.", "text_projection."};
  static constexpr std::string_view kOpenClipText[] = {"transformer.", "token_embedding.", "ln_final.", "text."};
  if (name == "logit_scale" || name == "logit_bias") return true;
  if (!of_open_clip) return !first_prefix(name, kTransformersText).empty();
  return !first_prefix(name, kOpenClipText).empty() || name == "positional_embedding" || name == "text_projection" ||
         name == "attn_mask";
}

}  // namespace intvit
