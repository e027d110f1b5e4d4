// The Swin Transformers that are known by name: their sizes and the preprocessing of their first published weights.
// Data only (swin.inc).
#pragma once

#include <array>
#include <optional>
#include <span>
#include <string_view>

#include "models/swin.h"

namespace intvit {

constexpr int kSwinStages = 4;  // at most; the depth of the others is 0

struct SwinArchitecture {
  const char* name = "";  // timm's, or torchvision's
  int version = 1;
  int image_size = 0;  // pixels, square
  double crop_pct = 0.9;
  int embed_dim = 0;
  std::array<int, kSwinStages> depths = {};
  std::array<int, kSwinStages> num_heads = {};
  std::array<int, kSwinStages> windows = {};
  std::array<int, kSwinStages> pretrained_windows = {};
  bool torchvision = false;  // its conventions of padding
  int num_classes = 1000;    // before fine-tuning; a checkpoint's head decides
};

std::span<const SwinArchitecture> swin_architectures();

// All values but the labels; nullopt when the name (with or without a tag) is unknown.
std::optional<SwinDescription> describe_swin_architecture(std::string_view name);

SwinDescription to_description(const SwinArchitecture& architecture);

}  // namespace intvit
