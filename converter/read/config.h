// What a checkpoint's own files say about the network: config.json of a timm hub folder or of Hugging Face
// transformers (with preprocessor_config.json), open_clip_config.json, and labels.txt. Only what is written there:
// describe_vit.h completes it with the architecture's values and the shapes of the tensors.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <vector>

#include "intvit/status.h"
#include "models/library_names.h"
#include "models/vit.h"

namespace intvit {

enum class ConfigKind { none, timm, hugging_face, open_clip, torchvision };

// Every value is optional; nullopt means that the files do not say.
struct ModelConfig {
  ConfigKind kind = ConfigKind::none;
  std::string path;          // of config.json, for messages
  std::string architecture;  // timm's name, perhaps with a tag, transformers' model_type, or open_clip

  std::optional<int> patch_size;
  std::optional<int> embed_dim;
  std::optional<int> depth;
  std::optional<int> num_heads;
  std::optional<int> mlp_dim;
  std::optional<double> mlp_ratio;
  std::optional<int> num_classes;
  std::optional<int> register_tokens;
  std::optional<double> layer_norm_eps;
  std::optional<Activation> activation;
  std::optional<Pooling> pooling;
  std::optional<bool> class_token;
  std::optional<bool> no_embed_class;
  std::optional<bool> qkv_bias;
  std::optional<bool> layer_scale;
  std::optional<bool> fc_norm;
  std::optional<bool> pre_norm;
  std::optional<bool> gated_mlp;  // of transformers' DINOv2

  // Of Swin Transformers, by stage; empty where the files do not say. One window is that of all stages.
  std::vector<int> depths;
  std::vector<int> stage_heads;
  std::vector<int> windows;
  std::vector<int> pretrained_windows;

  // Of the pictures, and the height that transformers' config.json gives, whatever the processor's says.
  std::optional<int> height;
  std::optional<int> width;
  std::optional<int> image_height;
  std::optional<double> crop_pct;
  std::optional<std::string> crop_mode;
  std::optional<std::string> interpolation;
  std::optional<std::array<double, 3>> mean;
  std::optional<std::array<double, 3>> stddev;

  bool multi_label = false;  // a picture may be of several classes, so every class has a probability of its own
  std::vector<std::string> labels;
};

// Reads what is in `folder`; a folder without a config is not an error (kind none). Tensors with open_clip's names look
// for open_clip's config first, since folders with two checkpoints have two configs. Things that a user should know are
// appended to `notes`, one line each.
Result<ModelConfig> read_config(const std::string& folder, Naming naming, std::vector<std::string>& notes);

}  // namespace intvit
