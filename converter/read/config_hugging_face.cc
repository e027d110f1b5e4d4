#include <cmath>

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

// A number, {height, width} or {shortest_edge}.
Size read_size(ConfigReader& reader, const char* key) {
  Size size;
  const Json* value = reader.find(key);
  if (value == nullptr || !value->is_object()) {
    reader.size(key, kLargestImage, size.height, size.width);
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
  config.crop_mode = size.squash ? "squash" : "center";
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
  const bool cut = static_cast<int>(*input.height / down) < *size.height;
  config.crop_pct = cut ? std::nextafter(down, 0.0) : down;
}

}  // namespace

Status read_hugging_face_config(const Json& json, const std::string& path, ModelConfig& config) {
  ConfigReader reader(json, path);
  std::optional<std::string> type;
  reader.text("model_type", type);
  if (type != "vit" && type != "deit") reader.fail(Code::unsupported, "model_type", "vit and deit are supported");
  config.architecture = type.value_or("");

  // The defaults of ViTConfig and DeiTConfig, which files may leave out. Sizes that are missing are read off the
  // tensors instead.
  config.num_heads = 12;
  config.layer_norm_eps = 1e-12;
  config.activation = Activation::gelu_erf;
  config.pooling = Pooling::token;
  config.class_token = true;
  config.register_tokens = 0;
  config.no_embed_class = false;
  config.layer_scale = false;
  config.fc_norm = false;
  reader.whole("hidden_size", 1, kLargestWidth, config.embed_dim);
  reader.whole("num_hidden_layers", 1, kMostBlocks, config.depth);
  reader.whole("num_attention_heads", 1, kLargestWidth, config.num_heads);
  reader.whole("intermediate_size", 1, kLargestWidth, config.mlp_dim);
  reader.activation("hidden_act", config.activation);
  reader.real("layer_norm_eps", 0.0, 1.0, config.layer_norm_eps);
  reader.size("image_size", kLargestImage, config.height, config.width);
  std::optional<int> patch_width;
  reader.size("patch_size", kLargestPatch, config.patch_size, patch_width);
  if (patch_width && patch_width != config.patch_size)
    reader.fail(Code::unsupported, "patch_size", "a patch must be square");
  reader.flag("qkv_bias", config.qkv_bias);
  std::optional<int> channels;
  reader.whole("num_channels", 1, 1 << 16, channels);
  if (channels && *channels != 3) reader.fail(Code::unsupported, "num_channels", "3 (RGB) is supported");
  reader.whole("num_labels", 0, kMostClasses, config.num_classes);
  reader.names("id2label", config.labels);
  if (!config.labels.empty()) config.num_classes = static_cast<int>(config.labels.size());
  if (is_placeholder(config.labels)) config.labels.clear();
  return reader.status();
}

Status read_preprocessor_config(const Json* json, const std::string& path, ModelConfig& config,
                                std::vector<std::string>& notes) {
  const bool deit = config.architecture == "deit";
  // The defaults of ViTImageProcessor and DeiTImageProcessor.
  config.mean = {0.5, 0.5, 0.5};
  config.stddev = {0.5, 0.5, 0.5};
  config.interpolation = deit ? "bicubic" : "bilinear";
  config.crop_mode = "squash";
  config.crop_pct = 1.0;
  if (json == nullptr) {
    notes.push_back("there is no " + in_quotes(path) + "; assuming mean = std = 0.5, a " + *config.interpolation +
                    " squash to the input size");
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
  const Size size = read_size(reader, "size");
  Size crop_size;
  if (crop.value_or(deit || !size.squash)) crop_size = read_size(reader, "crop_size");
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
