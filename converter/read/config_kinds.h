// The kinds of configs. Internal to converter/read: use config.h.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "converter/read/config.h"
#include "intvit/status.h"

namespace intvit {

constexpr int kLargestImage = 8192;  // pixels, each edge
constexpr int kLargestPatch = 256;
constexpr int kLargestWidth = 1 << 17;  // embed_dim, mlp_dim
constexpr int kMostBlocks = 1024;
constexpr int kMostClasses = 1 << 20;
constexpr int kMostRegisters = 256;
constexpr int kLargestWindow = 256;  // tokens, each edge

// timm's hub form. `path` names the file in messages.
Status read_timm_config(const nlohmann::json& json, const std::string& path, ModelConfig& config,
                        std::vector<std::string>& notes);

// What takes the place of a config for torchvision's Swin Transformers, whose checkpoints have none: `library` is
// torchvision, `architecture` its name, model_args and transforms are the arguments of its class and of its presets.
Status read_torchvision_config(const nlohmann::json& json, const std::string& path, ModelConfig& config);

// transformers' ViT, DeiT, DINOv2, BEiT, Swin, CLIP and SigLIP; of the latter two the image tower.
Status read_hugging_face_config(const nlohmann::json& json, const std::string& path, ModelConfig& config);

// transformers' preprocessor_config.json; `json` is null when there is none, which leaves the processor's defaults.
Status read_preprocessor_config(const nlohmann::json* json, const std::string& path, ModelConfig& config,
                                std::vector<std::string>& notes);

// open_clip's, of an image tower that is a Vision Transformer.
Status read_open_clip_config(const nlohmann::json& json, const std::string& path, ModelConfig& config);

}  // namespace intvit
