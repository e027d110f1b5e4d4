#include "converter/read/config_kinds.h"
#include "converter/read/config_reader.h"
#include "converter/read/message.h"

namespace intvit {
namespace {

using Json = nlohmann::json;

// A Swin Transformer has heads by stage.
void read_stages(ConfigReader& reader, ModelConfig& config) {
  const Json* heads = reader.find("num_heads");
  if (heads != nullptr && heads->is_array()) {
    reader.wholes("num_heads", 1, kLargestWidth, config.stage_heads);
  } else {
    reader.whole("num_heads", 1, kLargestWidth, config.num_heads);
  }
  reader.wholes("depths", 1, kMostBlocks, config.depths);
  reader.wholes("window_size", 1, kLargestWindow, config.windows);
  reader.wholes("pretrained_window_sizes", 0, kLargestWindow, config.pretrained_windows);
}

// Arguments of class VisionTransformer or SwinTransformer: at the top level or in model_args, which wins.
Status read_model_args(const Json& json, const std::string& path, ModelConfig& config) {
  ConfigReader reader(json, path);
  std::optional<int> patch_width;
  reader.size("patch_size", kLargestPatch, config.patch_size, patch_width);
  if (patch_width != config.patch_size && patch_width)
    reader.fail(Code::unsupported, "patch_size", "a patch must be square");
  reader.size("img_size", kLargestImage, config.height, config.width);
  reader.whole("embed_dim", 1, kLargestWidth, config.embed_dim);
  reader.whole("depth", 1, kMostBlocks, config.depth);
  read_stages(reader, config);
  reader.real("mlp_ratio", 1e-3, 1e3, config.mlp_ratio);
  reader.whole("num_classes", 0, kMostClasses, config.num_classes);
  reader.whole("reg_tokens", 0, kMostRegisters, config.register_tokens);
  reader.flag("class_token", config.class_token);
  reader.flag("no_embed_class", config.no_embed_class);
  reader.flag("qkv_bias", config.qkv_bias);
  reader.flag("fc_norm", config.fc_norm);
  reader.flag("pre_norm", config.pre_norm);
  reader.activation("act_layer", config.activation);
  std::optional<double> init_values;
  reader.real("init_values", -1e3, 1e3, init_values);
  if (init_values) config.layer_scale = true;

  std::optional<std::string> pool;
  reader.text("global_pool", pool);
  if (pool == "token") {
    config.pooling = Pooling::token;
  } else if (pool == "avg") {
    config.pooling = Pooling::average;
  } else if (pool == "map") {
    config.pooling = Pooling::attention;
  } else if (pool) {
    reader.fail(Code::unsupported, "global_pool", "token, avg and map are supported");
  }

  std::optional<int> channels;
  reader.whole("in_chans", 1, 1 << 16, channels);
  if (channels && *channels != 3) reader.fail(Code::unsupported, "in_chans", "3 (RGB) is supported");
  for (const char* key :
       {"qk_norm", "scale_attn_norm", "scale_mlp_norm", "pool_include_prefix", "always_partition", "ape"}) {
    std::optional<bool> flag;
    reader.flag(key, flag);
    if (flag.value_or(false)) reader.fail(Code::unsupported, key, "only false is supported");
  }
  std::optional<bool> final_norm;
  reader.flag("final_norm", final_norm);
  if (!final_norm.value_or(true)) reader.fail(Code::unsupported, "final_norm", "only true is supported");
  return reader.status();
}

// timm's label_names are often WordNet ids; label_descriptions, keyed by them, are for people.
void read_labels(ConfigReader& reader, ModelConfig& config) {
  reader.names("label_names", config.labels);
  const Json* descriptions = reader.find("label_descriptions");
  if (descriptions == nullptr || !descriptions->is_object()) return;
  for (std::string& label : config.labels) {
    const auto at = descriptions->find(label);
    if (at != descriptions->end() && at->is_string()) label = clean_label(at->get<std::string>());
  }
}

// pretrained_cfg; files from timm before 0.9 have its keys at the top level.
Status read_pretrained_cfg(const Json& json, const std::string& path, bool nested, ModelConfig& config) {
  ConfigReader reader(json, path);
  reader.size("input_size", kLargestImage, config.height, config.width);
  reader.real("crop_pct", 0.05, 1.0, config.crop_pct);
  reader.text("crop_mode", config.crop_mode);
  if (config.crop_mode && *config.crop_mode != "center" && *config.crop_mode != "squash") {
    reader.fail(Code::unsupported, "crop_mode", "center and squash are supported");
  }
  reader.text("interpolation", config.interpolation);
  if (const auto& name = config.interpolation;
      name && *name != "nearest" && *name != "bilinear" && *name != "bicubic" && *name != "lanczos") {
    reader.fail(Code::unsupported, "interpolation", "nearest, bilinear, bicubic and lanczos are supported");
  }
  reader.triple("mean", -1e3, 1e3, config.mean);
  reader.triple("std", 1e-6, 1e3, config.stddev);
  if (nested) reader.whole("num_classes", 0, kMostClasses, config.num_classes);
  read_labels(reader, config);
  return reader.status();
}

}  // namespace

Status read_timm_config(const Json& json, const std::string& path, ModelConfig& config,
                        std::vector<std::string>& notes) {
  ConfigReader reader(json, path);
  std::optional<std::string> architecture;
  reader.text("architecture", architecture);
  if (!reader.status().ok()) return reader.status();
  config.architecture = architecture.value_or("");

  // From what says least to what says most: a later one overrides.
  const Json* pretrained = reader.find("pretrained_cfg");
  const bool nested = pretrained != nullptr && pretrained->is_object();
  Status status = read_pretrained_cfg(nested ? *pretrained : json, path, nested, config);
  if (!status.ok()) return status;
  if (nested && reader.find("label_names") != nullptr) {
    read_labels(reader, config);
    if (!reader.status().ok()) return reader.status();
  }
  status = read_model_args(json, path, config);
  if (!status.ok()) return status;
  if (const Json* args = reader.find("model_args"); args != nullptr && args->is_object()) {
    status = read_model_args(*args, path, config);
    if (!status.ok()) return status;
    if (args->contains("norm_layer")) {
      notes.push_back(in_quotes(path) + ": model_args.norm_layer is not read; LayerNorm's eps is the architecture's");
    }
  }
  return {};
}

}  // namespace intvit
