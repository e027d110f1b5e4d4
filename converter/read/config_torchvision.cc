#include "converter/read/config_kinds.h"
#include "converter/read/config_reader.h"

namespace intvit {
namespace {

using Json = nlohmann::json;

// [height, width] of every window.
void read_window(ConfigReader& reader, ModelConfig& config) {
  std::vector<int> edges;
  reader.wholes("window_size", 1, kLargestWindow, edges);
  if (edges.empty()) return;
  if (edges.front() != edges.back() || edges.size() > 2)
    return reader.fail(Code::unsupported, "window_size", "square windows are supported");
  config.windows = {edges.front()};
}

Status read_torchvision_args(const Json& json, const std::string& path, ModelConfig& config) {
  ConfigReader reader(json, path);
  std::optional<int> patch_width;
  reader.size("patch_size", kLargestPatch, config.patch_size, patch_width);
  if (patch_width && patch_width != config.patch_size)
    reader.fail(Code::unsupported, "patch_size", "a patch must be square");
  reader.whole("embed_dim", 1, kLargestWidth, config.embed_dim);
  reader.wholes("depths", 1, kMostBlocks, config.depths);
  reader.wholes("num_heads", 1, kLargestWidth, config.stage_heads);
  read_window(reader, config);
  reader.real("mlp_ratio", 1e-3, 1e3, config.mlp_ratio);
  reader.whole("num_classes", 0, kMostClasses, config.num_classes);
  return reader.status();
}

Status read_transforms(const Json& json, const std::string& path, ModelConfig& config) {
  ConfigReader reader(json, path);
  std::vector<int> resize, crop;
  reader.wholes("resize_size", 1, kLargestImage, resize);
  reader.wholes("crop_size", 1, kLargestImage, crop);
  if (resize.size() > 1 || crop.size() > 1)
    reader.fail(Code::unsupported, "crop_size", "one edge of a square is supported, and one to resize to");
  if (!crop.empty()) {
    config.height = config.width = crop.front();
    if (!resize.empty()) config.crop_pct = static_cast<double>(crop.front()) / resize.front();
    if (config.crop_pct > 1.0) reader.fail(Code::unsupported, "crop_size", "it must not exceed resize_size");
  }
  reader.text("interpolation", config.interpolation);
  if (const auto& name = config.interpolation; name && *name != "bilinear" && *name != "bicubic")
    reader.fail(Code::unsupported, "interpolation", "bilinear and bicubic are supported");
  reader.triple("mean", -1e3, 1e3, config.mean);
  reader.triple("std", 1e-6, 1e3, config.stddev);
  return reader.status();
}

}  // namespace

Status read_torchvision_config(const Json& json, const std::string& path, ModelConfig& config) {
  ConfigReader reader(json, path);
  std::optional<std::string> architecture;
  reader.text("architecture", architecture);
  reader.whole("num_classes", 0, kMostClasses, config.num_classes);
  reader.names("label_names", config.labels);
  if (!reader.status().ok()) return reader.status();
  config.architecture = architecture.value_or("");
  if (const Json* args = reader.find("model_args"); args != nullptr && args->is_object()) {
    if (Status status = read_torchvision_args(*args, path, config); !status.ok()) return status;
  }
  const Json* transforms = reader.find("transforms");
  return transforms != nullptr && transforms->is_object() ? read_transforms(*transforms, path, config) : Status();
}

}  // namespace intvit
