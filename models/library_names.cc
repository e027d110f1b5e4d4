#include "models/library_names.h"

#include <algorithm>
#include <array>
#include <span>

namespace intvit {
namespace {

constexpr char kNumber = '#';  // stands for the decimal number of a stage or block in the tables

// The library's first number is scale * canonical + offset.
struct NamePair {
  const char* library;
  const char* canonical;
  TensorPart part = TensorPart::whole;
  int scale = 1;
  int offset = 0;
};

// Names are whole or without their ending .weight or .bias. Two names may lead to one canonical name (the heads, the
// layers of plain and gated MLPs); the first is the one that messages show.
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
    {"encoder.layer.#.mlp.weights_in", "blocks.#.mlp.fc1"},
    {"encoder.layer.#.mlp.weights_out", "blocks.#.mlp.fc2"},
    {"encoder.layer.#.layer_scale2.lambda1", "blocks.#.ls2.gamma"},
    {"layernorm", "norm"},
    {"classifier", "head"},
};

constexpr NamePair kDinov2[] = {
    {"register_tokens", "reg_token"},         {"linear_head", "head"},
    {"blocks.#.mlp.fc1", "blocks.#.mlp.fc1"}, {"blocks.#.mlp.fc2", "blocks.#.mlp.fc2"},
    {"blocks.#.mlp.w12", "blocks.#.mlp.fc1"}, {"blocks.#.mlp.w3", "blocks.#.mlp.fc2"},
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

constexpr NamePair kTimmParts[] = {
    {"blocks.#.attn.q_bias", "blocks.#.attn.qkv.bias", TensorPart::query},
    {"blocks.#.attn.v_bias", "blocks.#.attn.qkv.bias", TensorPart::value},
    {"blocks.#.gamma_1", "blocks.#.ls1.gamma"},
    {"blocks.#.gamma_2", "blocks.#.ls2.gamma"},
    {"layers.#.blocks.#.attn.q_bias", "layers.#.blocks.#.attn.qkv.bias", TensorPart::query},
    {"layers.#.blocks.#.attn.v_bias", "layers.#.blocks.#.attn.qkv.bias", TensorPart::value},
};

constexpr TensorPart kWhole = TensorPart::whole;

// Here a stage ends with the merging, in timm it begins with it.
constexpr NamePair kSwin[] = {
    {"layers.#.blocks.#.attn.q_bias", "layers.#.blocks.#.attn.qkv.bias", TensorPart::query},
    {"layers.#.blocks.#.attn.v_bias", "layers.#.blocks.#.attn.qkv.bias", TensorPart::value},
    {"layers.#.downsample.norm", "layers.#.downsample.norm", kWhole, 1, -1},
    {"layers.#.downsample.reduction", "layers.#.downsample.reduction", kWhole, 1, -1},
    {"head", "head.fc"},
};

// A block's position table and the classifier's norm have other names than in kTransformers.
constexpr NamePair kTransformersBeit[] = {
    {"embeddings.cls_token", "cls_token"},
    {"embeddings.position_embeddings", "pos_embed"},
    {"embeddings.patch_embeddings.projection", "patch_embed.proj"},
    {"encoder.layer.#.layernorm_before", "blocks.#.norm1"},
    {"encoder.layer.#.attention.attention.query", "blocks.#.attn.qkv", TensorPart::query},
    {"encoder.layer.#.attention.attention.key", "blocks.#.attn.qkv", TensorPart::key},
    {"encoder.layer.#.attention.attention.value", "blocks.#.attn.qkv", TensorPart::value},
    {"encoder.layer.#.attention.attention.relative_position_bias.relative_position_bias_table",
     "blocks.#.attn.relative_position_bias_table"},
    {"encoder.layer.#.attention.output.dense", "blocks.#.attn.proj"},
    {"encoder.layer.#.lambda_1", "blocks.#.ls1.gamma"},
    {"encoder.layer.#.layernorm_after", "blocks.#.norm2"},
    {"encoder.layer.#.intermediate.dense", "blocks.#.mlp.fc1"},
    {"encoder.layer.#.output.dense", "blocks.#.mlp.fc2"},
    {"encoder.layer.#.lambda_2", "blocks.#.ls2.gamma"},
    {"layernorm", "norm"},
    {"pooler.layernorm", "fc_norm"},
    {"classifier", "head"},
};

// A plain MLP's up_proj is fc1, and a gated one's its values.
constexpr NamePair kTransformersDinov3[] = {
    {"embeddings.cls_token", "cls_token"},
    {"embeddings.register_tokens", "reg_token"},
    {"embeddings.patch_embeddings", "patch_embed.proj"},
    {"layer.#.norm1", "blocks.#.norm1"},
    {"layer.#.attention.q_proj", "blocks.#.attn.qkv", TensorPart::query},
    {"layer.#.attention.k_proj", "blocks.#.attn.qkv", TensorPart::key},
    {"layer.#.attention.v_proj", "blocks.#.attn.qkv", TensorPart::value},
    {"layer.#.attention.o_proj", "blocks.#.attn.proj"},
    {"layer.#.layer_scale1.lambda1", "blocks.#.ls1.gamma"},
    {"layer.#.norm2", "blocks.#.norm2"},
    {"layer.#.mlp.up_proj", "blocks.#.mlp.fc1"},
    {"layer.#.mlp.gate_proj", "blocks.#.mlp.fc1", TensorPart::gate},
    {"layer.#.mlp.down_proj", "blocks.#.mlp.fc2"},
    {"layer.#.layer_scale2.lambda1", "blocks.#.ls2.gamma"},
};

constexpr NamePair kTransformersSwin[] = {
    {"embeddings.patch_embeddings.projection", "patch_embed.proj"},
    {"embeddings.norm", "patch_embed.norm"},
    {"encoder.layers.#.blocks.#.layernorm_before", "layers.#.blocks.#.norm1"},
    {"encoder.layers.#.blocks.#.attention.self.query", "layers.#.blocks.#.attn.qkv", TensorPart::query},
    {"encoder.layers.#.blocks.#.attention.self.key", "layers.#.blocks.#.attn.qkv", TensorPart::key},
    {"encoder.layers.#.blocks.#.attention.self.value", "layers.#.blocks.#.attn.qkv", TensorPart::value},
    {"encoder.layers.#.blocks.#.attention.self.relative_position_bias_table",
     "layers.#.blocks.#.attn.relative_position_bias_table"},
    {"encoder.layers.#.blocks.#.attention.self.logit_scale", "layers.#.blocks.#.attn.logit_scale"},
    {"encoder.layers.#.blocks.#.attention.self.continuous_position_bias_mlp.0", "layers.#.blocks.#.attn.cpb_mlp.0"},
    {"encoder.layers.#.blocks.#.attention.self.continuous_position_bias_mlp.2", "layers.#.blocks.#.attn.cpb_mlp.2"},
    {"encoder.layers.#.blocks.#.attention.output.dense", "layers.#.blocks.#.attn.proj"},
    {"encoder.layers.#.blocks.#.layernorm_after", "layers.#.blocks.#.norm2"},
    {"encoder.layers.#.blocks.#.intermediate.dense", "layers.#.blocks.#.mlp.fc1"},
    {"encoder.layers.#.blocks.#.output.dense", "layers.#.blocks.#.mlp.fc2"},
    {"encoder.layers.#.downsample.norm", "layers.#.downsample.norm", kWhole, 1, -1},
    {"encoder.layers.#.downsample.reduction", "layers.#.downsample.reduction", kWhole, 1, -1},
    {"layernorm", "norm"},
    {"classifier", "head.fc"},
};

constexpr NamePair kTorchvisionSwin[] = {
    {"features.0.0", "patch_embed.proj"},
    {"features.0.2", "patch_embed.norm"},
    {"features.#.#.norm1", "layers.#.blocks.#.norm1", kWhole, 2, 1},
    {"features.#.#.attn.qkv", "layers.#.blocks.#.attn.qkv", kWhole, 2, 1},
    {"features.#.#.attn.relative_position_bias_table", "layers.#.blocks.#.attn.relative_position_bias_table", kWhole, 2,
     1},
    {"features.#.#.attn.logit_scale", "layers.#.blocks.#.attn.logit_scale", kWhole, 2, 1},
    {"features.#.#.attn.cpb_mlp.0", "layers.#.blocks.#.attn.cpb_mlp.0", kWhole, 2, 1},
    {"features.#.#.attn.cpb_mlp.2", "layers.#.blocks.#.attn.cpb_mlp.2", kWhole, 2, 1},
    {"features.#.#.attn.proj", "layers.#.blocks.#.attn.proj", kWhole, 2, 1},
    {"features.#.#.norm2", "layers.#.blocks.#.norm2", kWhole, 2, 1},
    {"features.#.#.mlp.0", "layers.#.blocks.#.mlp.fc1", kWhole, 2, 1},
    {"features.#.#.mlp.3", "layers.#.blocks.#.mlp.fc2", kWhole, 2, 1},
    {"features.#.norm", "layers.#.downsample.norm", kWhole, 2, 0},
    {"features.#.reduction", "layers.#.downsample.reduction", kWhole, 2, 0},
    {"head", "head.fc"},
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
    case Naming::timm_parts:
      return kTimmParts;
    case Naming::swin:
      return kSwin;
    case Naming::transformers_beit:
      return kTransformersBeit;
    case Naming::transformers_dinov3:
      return kTransformersDinov3;
    case Naming::transformers_swin:
      return kTransformersSwin;
    case Naming::torchvision_swin:
      return kTorchvisionSwin;
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

// The numbers of a name, at most two, as their digits.
struct Numbers {
  std::string_view digits[2];
  std::size_t count = 0;
};

// True when `name` is `pattern` with some digits for each '#'; `numbers` gets those digits.
bool matches(std::string_view name, std::string_view pattern, Numbers& numbers) {
  numbers.count = 0;
  for (std::size_t at = pattern.find(kNumber); at != std::string_view::npos; at = pattern.find(kNumber)) {
    if (name.substr(0, at) != pattern.substr(0, at)) return false;
    std::size_t end = at;
    while (end < name.size() && is_digit(name[end])) ++end;
    if (end == at) return false;
    numbers.digits[numbers.count++] = name.substr(at, end - at);
    name.remove_prefix(end);
    pattern.remove_prefix(at + 1);
  }
  return name == pattern;
}

// Of one number the other: n -> (n - subtract) / divide * times + plus. Empty if there is none.
std::string renumbered(std::string_view digits, int subtract, int divide, int times, int plus) {
  if (subtract == 0 && divide == 1 && times == 1 && plus == 0) return std::string(digits);
  constexpr std::size_t kMostDigits = 6;
  if (digits.size() > kMostDigits) return {};
  const int number = std::stoi(std::string(digits)) - subtract;
  const int result = number / divide * times + plus;
  return number < 0 || number % divide != 0 || result < 0 ? std::string() : std::to_string(result);
}

// The pattern with these numbers; nullopt if the first one has no counterpart.
std::optional<std::string> with_numbers(std::string_view pattern, const Numbers& numbers, const std::string& first) {
  std::string name(pattern);
  if (numbers.count > 0 && first.empty()) return std::nullopt;
  for (std::size_t i = 0; i < numbers.count; ++i) {
    name.replace(name.find(kNumber), 1, i == 0 ? std::string_view(first) : numbers.digits[i]);
  }
  return name;
}

std::optional<std::string> to_canonical(std::string_view name, const NamePair& pair) {
  Numbers numbers;
  if (!matches(name, pair.library, numbers)) return std::nullopt;
  return with_numbers(pair.canonical, numbers, renumbered(numbers.digits[0], pair.offset, pair.scale, 1, 0));
}

std::optional<std::string> to_library(std::string_view name, const NamePair& pair) {
  Numbers numbers;
  if (!matches(name, pair.canonical, numbers)) return std::nullopt;
  return with_numbers(pair.library, numbers, renumbered(numbers.digits[0], 0, 1, pair.scale, pair.offset));
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
  Numbers numbers;
  if (matches(name, "features.#.#.attn.proj.weight", numbers)) return Naming::torchvision_swin;
  if (name.ends_with("encoder.layers.0.blocks.0.layernorm_before.weight")) return Naming::transformers_swin;
  if (name.ends_with("encoder.layer.0.lambda_1") || name.ends_with("pooler.layernorm.weight") ||
      name.ends_with(".relative_position_bias.relative_position_bias_table"))
    return Naming::transformers_beit;
  if (name.ends_with("layer.0.attention.o_proj.weight")) return Naming::transformers_dinov3;
  if (name == "layers.0.downsample.norm.weight") return Naming::swin;
  if (name.ends_with(".attn.q_bias") || name == "blocks.0.gamma_1") return Naming::timm_parts;
  if (name.ends_with("embeddings.patch_embeddings.projection.weight")) return Naming::transformers;
  if (name.ends_with(".layer_scale1.lambda1")) return Naming::transformers_dinov2;
  if (name.ends_with("embeddings.patch_embedding.weight")) return Naming::transformers_clip;
  if (name.ends_with("head.probe")) return Naming::transformers_siglip;
  if (name == "visual.conv1.weight") return Naming::open_clip;
  if (name.starts_with("visual.trunk.")) return Naming::open_clip_timm;
  // timm throws the mask token away.
  if (name == "register_tokens" || name == "mask_token" || name.ends_with(".mlp.w12.weight")) return Naming::dinov2;
  if (name == "linear_head.weight") return Naming::dinov2;
  return std::nullopt;
}

std::string_view wrapper_prefix(std::string_view name) { return first_prefix(name, kWrappers); }

std::string_view library_prefix(Naming naming, std::string_view name) {
  static constexpr std::string_view kVit[] = {"vit.", "deit."};
  static constexpr std::string_view kDino[] = {"dinov2.", "dinov2_with_registers."};
  static constexpr std::string_view kBackbone[] = {"backbone."};
  static constexpr std::string_view kVisionModel[] = {"vision_model."};
  static constexpr std::string_view kBeit[] = {"beit."};
  static constexpr std::string_view kSwin[] = {"swin.", "swinv2."};
  static constexpr std::string_view kTrunk[] = {"visual.trunk."};
  if (naming == Naming::transformers) return first_prefix(name, kVit);
  if (naming == Naming::transformers_beit) return first_prefix(name, kBeit);
  if (naming == Naming::transformers_swin) return first_prefix(name, kSwin);
  if (naming == Naming::transformers_dinov2) return first_prefix(name, kDino);
  if (naming == Naming::dinov2) return first_prefix(name, kBackbone);
  if (naming == Naming::open_clip_timm) return first_prefix(name, kTrunk);
  return naming == Naming::open_clip ? std::string_view() : first_prefix(name, kVisionModel);
}

std::optional<TensorName> canonical_name(Naming naming, std::string_view name) {
  std::string_view stem = name;
  const std::string_view ending = cut_ending(stem);
  for (const NamePair& pair : pairs_of(naming)) {
    if (auto whole = to_canonical(name, pair)) return TensorName{*whole, pair.part};
    if (auto without_ending = to_canonical(stem, pair)) return TensorName{without_ending->append(ending), pair.part};
  }
  return std::nullopt;
}

std::string library_name(Naming naming, const TensorName& canonical) {
  std::string_view stem = canonical.name;
  const std::string_view ending = cut_ending(stem);
  for (const NamePair& pair : pairs_of(naming)) {
    if (pair.part != canonical.part) continue;
    if (const auto whole = to_library(canonical.name, pair)) return *whole;
    if (auto without_ending = to_library(stem, pair)) return without_ending->append(ending);
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
