#include "converter/read/config.h"

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "converter/read/config_kinds.h"
#include "converter/read/config_reader.h"
#include "converter/read/message.h"
#include "converter/read/text_file.h"

namespace intvit {
namespace {

std::string in_folder(const std::string& folder, const char* name) {
  return (std::filesystem::path(folder) / name).string();
}

Status read_hugging_face(const nlohmann::json& json, const std::string& folder, ModelConfig& config,
                         std::vector<std::string>& notes) {
  config.kind = ConfigKind::hugging_face;
  Status status = read_hugging_face_config(json, config.path, config);
  if (!status.ok()) return status;
  const std::string path = in_folder(folder, "preprocessor_config.json");
  if (!file_exists(path)) return read_preprocessor_config(nullptr, path, config, notes);
  const Result<nlohmann::json> preprocessor = read_json_file(path);
  if (!preprocessor.ok()) return preprocessor.status();
  return read_preprocessor_config(&preprocessor.value(), path, config, notes);
}

// One name per line; Windows line ends and empty lines at the end are fine.
Result<std::vector<std::string>> read_labels_file(const std::string& path) {
  const Result<std::string> text = read_text_file(path);
  if (!text.ok()) return text.status();
  std::vector<std::string> labels;
  std::size_t begin = 0;
  while (begin < text.value().size()) {
    const std::size_t end = std::min(text.value().find('\n', begin), text.value().size());
    std::string line = text.value().substr(begin, end - begin);
    if (line.ends_with('\r')) line.pop_back();
    labels.push_back(clean_label(std::move(line)));
    begin = end + 1;
  }
  while (!labels.empty() && labels.back().empty()) labels.pop_back();
  return labels;
}

}  // namespace

Result<ModelConfig> read_config(const std::string& folder, Naming naming, std::vector<std::string>& notes) {
  ModelConfig config;
  config.path = in_folder(folder, "config.json");
  if (const std::string path = in_folder(folder, "open_clip_config.json");
      (naming == Naming::open_clip || naming == Naming::open_clip_timm) && file_exists(path)) {
    config.path = path;
    const Result<nlohmann::json> json = read_json_file(path);
    if (!json.ok()) return json.status();
    config.kind = ConfigKind::open_clip;
    if (Status status = read_open_clip_config(json.value(), path, config); !status.ok()) return status;
  } else if (file_exists(config.path)) {
    const Result<nlohmann::json> json = read_json_file(config.path);
    if (!json.ok()) return json.status();
    Status status;
    if (json.value().contains("library") && json.value()["library"] == "torchvision") {
      config.kind = ConfigKind::torchvision;
      status = read_torchvision_config(json.value(), config.path, config);
    } else if (json.value().contains("architecture") || json.value().contains("pretrained_cfg")) {
      config.kind = ConfigKind::timm;
      status = read_timm_config(json.value(), config.path, config, notes);
    } else if (json.value().contains("model_type")) {
      status = read_hugging_face(json.value(), folder, config, notes);
    } else {
      status = Status(Code::unsupported,
                      in_quotes(config.path) + " has neither architecture (timm) nor model_type (transformers)");
    }
    if (!status.ok()) return status;
  }
  const std::string labels_path = in_folder(folder, "labels.txt");
  if (config.labels.empty() && file_exists(labels_path)) {
    Result<std::vector<std::string>> labels = read_labels_file(labels_path);
    if (!labels.ok()) return labels.status();
    config.labels = labels.take();
  }
  return config;
}

}  // namespace intvit
