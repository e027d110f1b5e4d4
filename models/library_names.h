// The names of tensors in other libraries than timm, whose names are the canonical ones here.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "models/tensor_names.h"

namespace intvit {

// Whose names a checkpoint has. Where its names tell of several, it is the last of them.
enum class Naming {
  timm,
  dinov2,        // DINOv2's own repository: timm's but for the registers
  transformers,  // ViT, DeiT
  transformers_dinov2,
  transformers_clip,    // the image tower
  transformers_siglip,  // the image tower with its head
  open_clip,
  timm_parts,  // timm's BEiT, EVA-02, DINOv3 and Swin V2: biases of query and value apart, gamma_1
  swin,        // Swin's own repository, and timm before 0.9
  transformers_beit,
  transformers_dinov3,
  transformers_swin,  // both versions
  torchvision_swin,   // both versions
  open_clip_timm,     // an image tower of timm inside open_clip
};

// Whether query, key and value are apart.
constexpr bool splits_qkv(Naming naming) {
  return naming == Naming::transformers || naming == Naming::transformers_dinov2 ||
         naming == Naming::transformers_clip || naming == Naming::transformers_siglip ||
         naming == Naming::transformers_beit || naming == Naming::transformers_swin ||
         naming == Naming::transformers_dinov3;
}

constexpr bool is_clip(Naming naming) { return naming == Naming::transformers_clip || naming == Naming::open_clip; }

// Of which library a name like this one is; nullopt for one that tells nothing. `name` has no prefix of a wrapper.
std::optional<Naming> naming_of(std::string_view name);

// What a wrapper put in front of all names, e.g. `module.` or `_orig_mod.`; empty when there is nothing.
std::string_view wrapper_prefix(std::string_view name);

// What the library itself may put in front, e.g. `vit.`, `dinov2.` or `vision_model.`; empty when there is nothing.
std::string_view library_prefix(Naming naming, std::string_view name);

// The canonical name behind a name of the library without its prefix; nullopt when it is none.
std::optional<TensorName> canonical_name(Naming naming, std::string_view name);

// The reverse, for messages: users search their file for it. A name without counterpart stays.
std::string library_name(Naming naming, const TensorName& name);

// Of the text tower beside an image tower, or of what compares the two.
bool is_text_tower(Naming naming, std::string_view name);

}  // namespace intvit
