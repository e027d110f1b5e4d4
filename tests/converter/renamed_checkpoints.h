// Checkpoints of encoders with the names of several libraries, made of those with canonical names.
#pragma once

#include <string>
#include <vector>

#include "models/library_names.h"
#include "tests/converter/checkpoints.h"

namespace intvit::checkpoints {

// Canonical names -> those of a library, each behind `prefix`.
TensorMap renamed(const TensorMap& tensors, Naming naming, const std::string& prefix = "");

// From a folder with model.safetensors and, unless it is empty, a config.
FloatNetwork loaded_files(const TensorMap& tensors, const std::string& config,
                          std::vector<std::string>* notes = nullptr, const char* config_name = "config.json",
                          const OutputChoice& outputs = {});

// Variants of the tiny description, without classes.
VitDescription dinov2(int registers);
VitDescription clip();  // the projection has 6 columns
VitDescription siglip();

std::string dinov2_config(int registers, const std::string& more = "");

constexpr const char* kEncoderConfig = R"({"architecture": "tiny", "num_classes": 0, "num_heads": 2,
  "pretrained_cfg": {"input_size": [3, 8, 8]}})";

constexpr const char* kVision = R"("hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2,
  "intermediate_size": 32, "image_size": 8, "patch_size": 4, "hidden_act": "gelu")";

inline const std::string kClipConfig = std::string(R"({"model_type": "clip_vision_model", )") + kVision + "}";
inline const std::string kWholeClipConfig =
    std::string(R"({"model_type": "clip", "hidden_size": 99, "text_config": {}, "vision_config": {)") + kVision + "}}";

constexpr const char* kOpenClipConfig = R"({"model_cfg": {"embed_dim": 6, "quick_gelu": true, "vision_cfg":
  {"image_size": 8, "layers": 1, "width": 16, "head_width": 8, "patch_size": 4, "mlp_ratio": 2.0}, "text_cfg": {}},
  "preprocess_cfg": {"mean": [0.1, 0.2, 0.3]}})";

}  // namespace intvit::checkpoints
