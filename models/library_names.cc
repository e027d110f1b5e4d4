#include "models/library_names.h"

#include <algorithm>
#include <array>
#include <span>

#include "models/name_pairs.h"

namespace intvit {
namespace {

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
  if (name.ends_with(".attn.q_bias") || name == "blocks.0.attn.q_proj.weight" || name == "blocks.0.gamma_1")
    return Naming::timm_parts;
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
  for (const NamePair& pair : name_pairs(naming)) {
    if (auto whole = to_canonical(name, pair)) return TensorName{*whole, pair.part};
    if (auto without_ending = to_canonical(stem, pair)) return TensorName{without_ending->append(ending), pair.part};
  }
  return std::nullopt;
}

std::string library_name(Naming naming, const TensorName& canonical) {
  std::string_view stem = canonical.name;
  const std::string_view ending = cut_ending(stem);
  for (const NamePair& pair : name_pairs(naming)) {
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
