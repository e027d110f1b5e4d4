#include "converter/read/config_kinds.h"
#include "converter/read/config_reader.h"
#include "converter/read/message.h"

namespace intvit {
namespace {

using Json = nlohmann::json;

// Arguments of open_clip's VisionTransformer that change the network. What a value must be, where it is there.
void refuse_variants(ConfigReader& vision) {
  for (const char* key : {"attentional_pool", "input_patchnorm", "global_average_pool", "no_ln_pre",
                          "final_ln_after_pool", "act_kwargs"}) {
    const Json* value = vision.find(key);
    if (value == nullptr || *value == false || *value == "") continue;
    vision.fail(Code::unsupported, key, "image towers without it are supported");
  }
  for (const auto& [key, only] : {std::pair{"pool_type", "tok"}, {"pos_embed_type", "learnable"}}) {
    std::optional<std::string> value;
    vision.text(key, value);
    if (value.value_or(only) != only)
      vision.fail(Code::unsupported, key, std::string("only ") + only + " is supported");
  }
  if (const Json* layers = vision.find("layers"); layers != nullptr && layers->is_array()) {
    vision.fail(Code::unsupported, "layers", "Vision Transformers are supported, ResNets are not");
  }
}

// open_clip's own, with the defaults of its class.
void read_tower(const Json& model, const Json& json, const std::string& path, ModelConfig& config, Status& status) {
  config.architecture = "open_clip";
  config.activation = Activation::gelu_erf;
  config.layer_norm_eps = 1e-5;
  config.mlp_ratio = 4.0;
  config.pooling = Pooling::token;
  config.class_token = true;
  config.register_tokens = 0;
  config.no_embed_class = false;
  config.fc_norm = true;
  ConfigReader reader(model, path);
  std::optional<bool> quick_gelu;
  reader.flag("quick_gelu", quick_gelu);
  if (quick_gelu.value_or(false)) config.activation = Activation::quick_gelu;
  status = reader.status();
  if (!status.ok()) return;
  ConfigReader vision(json, path);
  refuse_variants(vision);
  vision.whole("layers", 1, kMostBlocks, config.depth);
  vision.whole("width", 1, kLargestWidth, config.embed_dim);
  vision.whole("patch_size", 1, kLargestPatch, config.patch_size);
  vision.real("mlp_ratio", 1e-3, 1e3, config.mlp_ratio);
  vision.size("image_size", kLargestImage, config.height, config.width);
  std::optional<int> head_width = 64;
  vision.whole("head_width", 1, kLargestWidth, head_width);
  if (config.embed_dim) config.num_heads = *config.embed_dim / *head_width;
  std::optional<double> layer_scale;
  vision.real("ls_init_value", -1e3, 1e3, layer_scale);
  if (layer_scale) config.layer_scale = true;
  if (const Json* norm = vision.find("norm_kwargs"); norm != nullptr && norm->is_object()) {
    ConfigReader(*norm, path).real("eps", 0.0, 1.0, config.layer_norm_eps);
  }
  status = vision.status();
}

// An image tower that is timm's: the rest of the network is what its name says.
void read_timm_tower(const Json& json, const std::string& path, ModelConfig& config, Status& status) {
  ConfigReader vision(json, path);
  std::optional<std::string> name, pool, projection;
  vision.text("timm_model_name", name);
  config.architecture = name.value_or("");
  vision.size("image_size", kLargestImage, config.height, config.width);
  vision.text("timm_pool", pool);
  if (pool == "token") {
    config.pooling = Pooling::token;
  } else if (pool == "avg") {
    config.pooling = Pooling::average;
  } else if (pool == "map") {
    config.pooling = Pooling::attention;
  } else if (!pool.value_or("").empty()) {
    vision.fail(Code::unsupported, "timm_pool", "token, avg and map are supported");
  }
  vision.text("timm_proj", projection);
  if (projection == "mlp") vision.fail(Code::unsupported, "timm_proj", "linear and none are supported");
  status = vision.status();
}

Status read_preprocess(const Json& json, const std::string& path, ModelConfig& config) {
  ConfigReader reader(json, path);
  reader.triple("mean", -1e3, 1e3, config.mean);
  reader.triple("std", 1e-6, 1e3, config.stddev);
  reader.text("interpolation", config.interpolation);
  if (config.interpolation != "bicubic" && config.interpolation != "bilinear") {
    reader.fail(Code::unsupported, "interpolation", "bicubic and bilinear are supported");
  }
  std::optional<std::string> mode = "shortest";
  reader.text("resize_mode", mode);
  if (mode == "squash") {
    config.crop_mode = "squash";
  } else if (mode != "shortest") {
    reader.fail(Code::unsupported, "resize_mode", "shortest and squash are supported");
  }
  return reader.status();
}

}  // namespace

Status read_open_clip_config(const Json& json, const std::string& path, ModelConfig& config) {
  ConfigReader root(json, path);
  const Json* model = root.find("model_cfg");
  const Json* vision = model != nullptr && model->is_object() ? ConfigReader(*model, path).find("vision_cfg") : nullptr;
  if (vision == nullptr || !vision->is_object()) {
    return {Code::corrupt_file, in_quotes(path) + ": model_cfg.vision_cfg, an object, is needed"};
  }
  config.num_classes = 0;
  config.crop_mode = "center";
  config.crop_pct = 1.0;
  config.interpolation = "bicubic";
  config.mean = {0.48145466, 0.4578275, 0.40821073};
  config.stddev = {0.26862954, 0.26130258, 0.27577711};
  Status status;
  const Json* timm_name = ConfigReader(*vision, path).find("timm_model_name");
  if (timm_name != nullptr && *timm_name != false && *timm_name != "") {
    read_timm_tower(*vision, path, config, status);
  } else {
    read_tower(*model, *vision, path, config, status);
  }
  const Json* preprocess = root.find("preprocess_cfg");
  if (!status.ok() || preprocess == nullptr || !preprocess->is_object()) return status;
  return read_preprocess(*preprocess, path, config);
}

}  // namespace intvit
