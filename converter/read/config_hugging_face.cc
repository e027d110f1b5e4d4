#include <array>
#include <cmath>
#include <string_view>

#include "converter/read/config_kinds.h"
#include "converter/read/config_reader.h"
#include "converter/read/message.h"

namespace intvit {
namespace {

using Json = nlohmann::json;

// transformers writes LABEL_0, LABEL_1, ... where nobody named the classes.
bool is_placeholder(const std::vector<std::string>& labels) {
  for (std::size_t i = 0; i < labels.size(); ++i) {
    if (labels[i] != "LABEL_" + std::to_string(i)) return false;
  }
  return true;
}

struct Size {
  std::optional<int> height;
  std::optional<int> width;
  bool squash = true;  // false: the shortest edge becomes `height`
};

// A number, {height, width} or {shortest_edge}. Whether a number is both edges or the shortest one is the processor's.
Size read_size(ConfigReader& reader, const char* key, bool number_squashes) {
  Size size;
  const Json* value = reader.find(key);
  if (value == nullptr || !value->is_object()) {
    reader.size(key, kLargestImage, size.height, size.width);
    size.squash = number_squashes;
    return size;
  }
  ConfigReader edges(*value, reader.path());
  if (value->contains("shortest_edge")) {
    size.squash = false;
    edges.whole("shortest_edge", 1, kLargestImage, size.height);
    size.width = size.height;
  } else {
    edges.whole("height", 1, kLargestImage, size.height);
    edges.whole("width", 1, kLargestImage, size.width);
  }
  if (!edges.status().ok() || !size.height || !size.width) {
    reader.fail(Code::corrupt_file, key, "a number, {height, width} or {shortest_edge} from 1 to 8192 is needed");
  }
  return size;
}

// Pillow's codes.
void read_resample(ConfigReader& reader, ModelConfig& config) {
  constexpr const char* kNames[] = {"nearest", "lanczos", "bilinear", "bicubic"};
  std::optional<int> code;
  reader.whole("resample", 0, 5, code);
  if (!code) return;
  if (*code > 3)
    return reader.fail(Code::unsupported, "resample", "0 nearest, 1 lanczos, 2 bilinear and 3 bicubic are supported");
  config.interpolation = kNames[*code];
}

// After the resize to `size` comes a crop to `crop`, where there is one.
void set_sizes(ConfigReader& reader, const Size& size, const Size& crop, ModelConfig& config) {
  config.crop_mode = size.squash ? "squash" : "center_floor";
  const Size& input = crop.height ? crop : size;
  config.height = input.height;
  config.width = input.width;
  const double down = static_cast<double>(*input.height) / *size.height;
  const double across = static_cast<double>(*input.width) / *size.width;
  if (down > 1.0 || down != across) {
    reader.fail(Code::unsupported, crop.height ? "crop_size" : "size",
                "a crop must lie inside the resized picture and have its proportions");
  }
  // Whoever divides by it and cuts the fraction off must get the edge back, in spite of rounding here.
  // transformers rounds half the difference down; the runtime's squash rounds it to the nearest even number.
  if (size.squash && ((*size.height - *input.height) % 4 == 3 || (*size.width - *input.width) % 4 == 3)) {
    reader.fail(Code::unsupported, "crop_size", "a crop of a squashed picture must begin at a whole pixel");
  }
  const bool cut = static_cast<int>(*input.height / down) < *size.height;
  config.crop_pct = cut ? std::nextafter(down, 0.0) : down;
}

// What differs between the models of transformers. Values are the defaults of their configs and of their image
// processors, which files may leave out. Sizes that are missing are read off the tensors instead.
struct Family {
  const char* type;  // model_type
  double layer_norm_eps;
  Activation activation;
  bool squash;  // the processor's resize; otherwise it crops
  const char* interpolation;
  std::array<double, 3> mean, stddev;
};

constexpr std::array<double, 3> kHalf = {0.5, 0.5, 0.5};
constexpr std::array<double, 3> kImagenetMean = {0.485, 0.456, 0.406}, kImagenetStd = {0.229, 0.224, 0.225};
constexpr std::array<double, 3> kClipMean = {0.48145466, 0.4578275, 0.40821073};
constexpr std::array<double, 3> kClipStd = {0.26862954, 0.26130258, 0.27577711};
constexpr Activation kErf = Activation::gelu_erf, kQuick = Activation::quick_gelu;

constexpr Family kFamilies[] = {
    {"vit", 1e-12, kErf, true, "bilinear", kHalf, kHalf},
    {"deit", 1e-12, kErf, true, "bicubic", kHalf, kHalf},
    {"dinov2", 1e-6, kErf, false, "bicubic", kImagenetMean, kImagenetStd},
    {"dinov2_with_registers", 1e-6, kErf, false, "bicubic", kImagenetMean, kImagenetStd},
    {"beit", 1e-12, kErf, true, "bicubic", kHalf, kHalf},
    {"dinov3_vit", 1e-5, kErf, true, "bilinear", kImagenetMean, kImagenetStd},
    {"swin", 1e-5, kErf, true, "bilinear", kHalf, kHalf},
    {"swinv2", 1e-5, kErf, true, "bilinear", kHalf, kHalf},
    {"clip", 1e-5, kQuick, false, "bicubic", kClipMean, kClipStd},
    {"clip_vision_model", 1e-5, kQuick, false, "bicubic", kClipMean, kClipStd},
    {"siglip", 1e-6, Activation::gelu_tanh, true, "bicubic", kHalf, kHalf},
    {"siglip_vision_model", 1e-6, Activation::gelu_tanh, true, "bicubic", kHalf, kHalf},
};

const Family* family_of(const std::string& type) {
  for (const Family& family : kFamilies) {
    if (type == family.type) return &family;
  }
  return nullptr;
}

bool is_dinov2(const Family& family) { return std::string_view(family.type).starts_with("dinov2"); }
bool is_clip(const Family& family) { return std::string_view(family.type).starts_with("clip"); }

bool is_siglip(const Family& family) { return std::string_view(family.type).starts_with("siglip"); }

bool is_swin(const Family& family) { return std::string_view(family.type).starts_with("swin"); }

bool is_dinov3(const Family& family) { return std::string_view(family.type) == "dinov3_vit"; }

bool is_beit(const Family& family) { return std::string_view(family.type) == "beit"; }

void set_defaults(const Family& family, ModelConfig& config) {
  config.num_heads = is_dinov3(family) ? 6 : 12;
  config.layer_norm_eps = family.layer_norm_eps;
  config.activation = family.activation;
  config.pooling = is_siglip(family) ? Pooling::attention : is_swin(family) ? Pooling::average : Pooling::token;
  config.class_token = !is_siglip(family);
  config.register_tokens = 0;
  config.no_embed_class = false;
  config.layer_scale = is_dinov2(family) || is_dinov3(family);
  config.fc_norm = is_clip(family);
  if (is_clip(family) || is_siglip(family)) config.num_classes = 0;
}

void read_swin(ConfigReader& reader, ModelConfig& config) {
  reader.whole("embed_dim", 1, kLargestWidth, config.embed_dim);
  reader.wholes("depths", 1, kMostBlocks, config.depths);
  reader.wholes("num_heads", 1, kLargestWidth, config.stage_heads);
  reader.wholes("window_size", 1, kLargestWindow, config.windows);
  reader.wholes("pretrained_window_sizes", 0, kLargestWindow, config.pretrained_windows);
  reader.real("mlp_ratio", 1e-3, 1e3, config.mlp_ratio);
  std::optional<bool> absolute;
  reader.flag("use_absolute_embeddings", absolute);
  if (absolute.value_or(false))
    reader.fail(Code::unsupported, "use_absolute_embeddings", "relative positions alone are supported");
}

// Its config says which kinds of positions there are, and whether the classifier reads the mean of the patches.
void read_beit(ConfigReader& reader, ModelConfig& config) {
  std::optional<bool> absolute, shared, mean;
  reader.flag("use_absolute_position_embeddings", absolute);
  if (absolute.value_or(false))
    reader.fail(Code::unsupported, "use_absolute_position_embeddings", "relative positions alone are supported");
  reader.flag("use_shared_relative_position_bias", shared);
  if (shared.value_or(false))
    reader.fail(Code::unsupported, "use_shared_relative_position_bias", "a table in each block is supported");
  reader.flag("use_mean_pooling", mean);
  config.pooling = mean.value_or(true) ? Pooling::average : Pooling::token;
  config.fc_norm = config.pooling == Pooling::average;
  std::optional<double> scale = 0.1;
  reader.real("layer_scale_init_value", 0.0, 1e3, scale);
  config.layer_scale = scale.value_or(0.1) > 0;
}

void read_dinov3(ConfigReader& reader, ModelConfig& config) {
  constexpr double kTheta = 100;
  reader.whole("num_register_tokens", 0, kMostRegisters, config.register_tokens);
  config.gated_mlp = false;
  reader.flag("use_gated_mlp", config.gated_mlp);
  std::optional<bool> key_bias;
  reader.flag("key_bias", key_bias);
  if (key_bias.value_or(false)) reader.fail(Code::unsupported, "key_bias", "keys without a bias are supported");
  std::optional<double> theta = kTheta;
  reader.real("rope_theta", 0, 1e9, theta);
  if (theta != kTheta) reader.fail(Code::unsupported, "rope_theta", "100 is supported");
}

void read_dinov2(ConfigReader& reader, ModelConfig& config) {
  if (config.architecture == "dinov2_with_registers") config.register_tokens = 4;
  reader.whole("num_register_tokens", 0, kMostRegisters, config.register_tokens);
  reader.real("mlp_ratio", 1e-3, 1e3, config.mlp_ratio);
  config.gated_mlp = false;
  reader.flag("use_swiglu_ffn", config.gated_mlp);
  if (*config.gated_mlp) config.activation = Activation::silu;  // whatever hidden_act says
}

// Of a whole CLIP or SigLIP the part about the image tower.
const Json& vision_part(const Json& json, const std::string& type) {
  const auto part = json.find("vision_config");
  return (type == "clip" || type == "siglip") && part != json.end() && part->is_object() ? *part : json;
}

void read_class_names(ConfigReader& reader, ModelConfig& config) {
  reader.whole("num_labels", 0, kMostClasses, config.num_classes);
  reader.names("id2label", config.labels);
  if (!config.labels.empty()) config.num_classes = static_cast<int>(config.labels.size());
  if (is_placeholder(config.labels)) config.labels.clear();
  std::optional<std::string> problem;
  if (reader.find("problem_type") != nullptr) reader.text("problem_type", problem);
  config.multi_label = problem == "multi_label_classification";
}

}  // namespace

Status read_hugging_face_config(const Json& json, const std::string& path, ModelConfig& config) {
  ConfigReader root(json, path);
  std::optional<std::string> type;
  root.text("model_type", type);
  config.architecture = type.value_or("");
  const Family* family = family_of(config.architecture);
  if (family == nullptr) {
    root.fail(
        Code::unsupported, "model_type",
        "vit, deit, dinov2, dinov2_with_registers, dinov3_vit, beit, swin, swinv2, clip, clip_vision_model, siglip and "
        "siglip_vision_model are supported");
    return root.status();
  }
  set_defaults(*family, config);
  ConfigReader reader(vision_part(json, config.architecture), path);
  if (is_swin(*family)) {
    read_swin(reader, config);
  } else {
    reader.whole("hidden_size", 1, kLargestWidth, config.embed_dim);
    reader.whole("num_hidden_layers", 1, kMostBlocks, config.depth);
    reader.whole("num_attention_heads", 1, kLargestWidth, config.num_heads);
  }
  reader.whole("intermediate_size", 1, kLargestWidth, config.mlp_dim);
  reader.activation("hidden_act", config.activation);
  reader.real("layer_norm_eps", 0.0, 1.0, config.layer_norm_eps);
  reader.size("image_size", kLargestImage, config.height, config.width);
  config.image_height = config.height;
  std::optional<int> patch_width;
  reader.size("patch_size", kLargestPatch, config.patch_size, patch_width);
  if (patch_width && patch_width != config.patch_size)
    reader.fail(Code::unsupported, "patch_size", "a patch must be square");
  reader.flag("qkv_bias", config.qkv_bias);
  std::optional<int> channels;
  reader.whole("num_channels", 1, 1 << 16, channels);
  if (channels && *channels != 3) reader.fail(Code::unsupported, "num_channels", "3 (RGB) is supported");
  if (is_dinov2(*family)) read_dinov2(reader, config);
  if (is_dinov3(*family)) read_dinov3(reader, config);
  if (is_beit(*family)) read_beit(reader, config);
  if (is_siglip(*family)) {
    std::optional<bool> head;
    reader.flag("vision_use_head", head);
    if (!head.value_or(true)) reader.fail(Code::unsupported, "vision_use_head", "towers with their head are supported");
  }
  if (!is_clip(*family) && !is_siglip(*family)) read_class_names(reader, config);
  return reader.status();
}

Status read_preprocessor_config(const Json* json, const std::string& path, ModelConfig& config,
                                std::vector<std::string>& notes) {
  const Family& family = *family_of(config.architecture);
  const bool deit = config.architecture == "deit";
  config.mean = family.mean;
  config.stddev = family.stddev;
  config.interpolation = family.interpolation;
  config.crop_mode = family.squash ? "squash" : "center_floor";
  config.crop_pct = 1.0;
  if (json == nullptr) {
    notes.push_back("there is no " + in_quotes(path) + "; assuming " +
                    (is_clip(family)                          ? "CLIP's mean and std"
                     : is_dinov2(family) || is_dinov3(family) ? "ImageNet's mean and std"
                                                              : "mean = std = 0.5") +
                    ", a " + *config.interpolation +
                    (family.squash ? " squash to the input size" : " resize of the shorter edge to the input size"));
    return {};
  }
  ConfigReader reader(*json, path);
  std::optional<bool> resize, crop, normalize, rescale;
  reader.flag("do_resize", resize);
  reader.flag("do_center_crop", crop);
  reader.flag("do_normalize", normalize);
  reader.flag("do_rescale", rescale);
  if (!resize.value_or(true)) {
    notes.push_back(in_quotes(path) + ": do_resize is false; pictures are resized to the input size all the same");
  }
  const Size size = read_size(reader, "size", family.squash);
  Size crop_size;
  if (crop.value_or(deit || !size.squash)) crop_size = read_size(reader, "crop_size", true);
  if (reader.status().ok() && size.height) {
    if (!size.squash && !crop_size.height) crop_size = size;  // the input must be square
    set_sizes(reader, size, crop_size, config);
  }
  read_resample(reader, config);
  reader.triple("image_mean", -1e3, 1e3, config.mean);
  reader.triple("image_std", 1e-6, 1e3, config.stddev);
  if (!normalize.value_or(true)) {
    config.mean = {0.0, 0.0, 0.0};
    config.stddev = {1.0, 1.0, 1.0};
  }
  // (255 f x - mean) / std with x in [0, 1] = (x - mean / 255f) / (std / 255f)
  std::optional<double> factor = 1.0 / 255.0;
  reader.real("rescale_factor", 1e-6, 1e3, factor);
  const double scale = 255.0 * (rescale.value_or(true) ? *factor : 1.0);
  if (std::fabs(scale - 1.0) > 1e-6) {
    for (double& value : *config.mean) value /= scale;
    for (double& value : *config.stddev) value /= scale;
  }
  return reader.status();
}

}  // namespace intvit
