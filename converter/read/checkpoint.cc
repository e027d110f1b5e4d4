#include "converter/read/checkpoint.h"

#include <algorithm>
#include <filesystem>
#include <iterator>
#include <nlohmann/json.hpp>
#include <set>
#include <utility>

#include "converter/read/message.h"
#include "converter/read/text_file.h"

namespace intvit {
namespace {

namespace fs = std::filesystem;

constexpr const char* kWeightsName = "model.safetensors";
constexpr const char* kOpenClipName = "open_clip_model.safetensors";
constexpr const char* kIndexName = "model.safetensors.index.json";
constexpr const char* kTorchName = "pytorch_model.bin";
constexpr const char* kNumpyName = "model.npz";
constexpr const char* kTorchIndexName = "pytorch_model.bin.index.json";
constexpr std::size_t kMostShards = 1024;

// A shard's name comes from the file and must not lead out of the folder.
bool is_plain_name(const std::string& name) {
  return !name.empty() && name != "." && name != ".." &&
         name.find_first_of(std::string_view("/\\\0", 3)) == std::string::npos;
}

Status no_weights(const std::string& path) {
  for (const char* other : {"tf_model.h5", "flax_model.msgpack"}) {
    if (!file_exists((fs::path(path) / other).string())) continue;
    return {Code::unsupported, "folder " + in_quotes(path) + " has " + other + " but no " + kWeightsName +
                                   "; save the model as safetensors (safetensors.torch.save_file)"};
  }
  return {Code::not_found, "folder " + in_quotes(path) + " has neither " + kWeightsName + " nor " + kIndexName +
                               "; give a folder with one"};
}

}  // namespace

Result<Checkpoint> Checkpoint::open(const std::string& path) {
  std::error_code error;
  Checkpoint checkpoint;
  checkpoint.path_ = path;
  std::string weights = path;
  if (fs::is_directory(path, error)) {
    checkpoint.folder_ = path;
    for (const char* name : {kWeightsName, kIndexName, kOpenClipName, kTorchName, kTorchIndexName, kNumpyName}) {
      weights = (fs::path(path) / name).string();
      if (file_exists(weights)) break;
    }
    if (!file_exists(weights)) return no_weights(path);
  } else {
    checkpoint.folder_ = fs::path(path).parent_path().string();
    if (checkpoint.folder_.empty()) checkpoint.folder_ = ".";
    const std::string ending = fs::path(path).extension().string();
    constexpr std::string_view kEndings[] = {".safetensors", ".json", ".pth", ".pt", ".bin", ".ckpt", ".npz"};
    if (std::find(std::begin(kEndings), std::end(kEndings), ending) == std::end(kEndings) && file_exists(path)) {
      return {Code::unsupported,
              "cannot read " + in_quotes(path) +
                  ": a checkpoint is a .safetensors, .pth, .pt, .bin or .npz file or a folder with one; "
                  "save the model as safetensors (safetensors.torch.save_file)"};
    }
  }
  if (weights.ends_with(".index.json")) {
    const Status status = checkpoint.open_shards(weights);
    if (!status.ok()) return status;
    return checkpoint;
  }
  Result<SafetensorsFile> file = SafetensorsFile::open_any(weights);
  if (!file.ok()) return file.status();
  checkpoint.files_.push_back(file.take());
  return checkpoint;
}

Status Checkpoint::open_shards(const std::string& index_path) {
  const auto corrupt = [&index_path](const std::string& what) {
    return Status(Code::corrupt_file, "index " + in_quotes(index_path) + " " + what + "; get the checkpoint again");
  };
  const Result<nlohmann::json> index = read_json_file(index_path);
  if (!index.ok()) return index.status();
  const auto map = index.value().find("weight_map");
  if (map == index.value().end() || !map->is_object() || map->empty()) return corrupt("has no weight_map");

  std::set<std::string> names;
  for (const auto& [tensor, shard] : map->items()) {
    if (!shard.is_string()) return corrupt("has no file name for " + in_quotes(tensor));
    const std::string& name = shard.get_ref<const std::string&>();
    if (!is_plain_name(name)) return corrupt("names the file " + in_quotes(name) + ", which is not a plain name");
    names.insert(name);
    if (names.size() > kMostShards) return corrupt("names more than " + std::to_string(kMostShards) + " files");
  }
  std::set<std::string_view> seen;
  files_.reserve(names.size());  // the names in `seen` must not move
  for (const std::string& name : names) {
    Result<SafetensorsFile> file = SafetensorsFile::open_any((fs::path(folder_) / name).string());
    if (!file.ok()) return file.status();
    files_.push_back(file.take());
    for (const TensorInfo& tensor : files_.back().tensors()) {
      if (!seen.insert(tensor.name).second) return corrupt("has shards that both hold " + in_quotes(tensor.name));
    }
  }
  for (const auto& [tensor, shard] : map->items()) {
    const SafetensorsFile* file = file_of(tensor);
    const std::string& name = shard.get_ref<const std::string&>();
    if (file == nullptr || fs::path(file->name()).filename() != name) {
      return corrupt("puts " + in_quotes(tensor) + " into " + in_quotes(name) + ", which lacks it");
    }
  }
  return {};
}

std::vector<const TensorInfo*> Checkpoint::tensors() const {
  std::vector<const TensorInfo*> all;
  for (const SafetensorsFile& file : files_) {
    for (const TensorInfo& tensor : file.tensors()) all.push_back(&tensor);
  }
  return all;
}

const SafetensorsFile* Checkpoint::file_of(std::string_view name) const {
  for (const SafetensorsFile& file : files_) {
    if (file.find(name) != nullptr) return &file;
  }
  return nullptr;
}

const TensorInfo* Checkpoint::find(std::string_view name) const {
  const SafetensorsFile* file = file_of(name);
  return file == nullptr ? nullptr : file->find(name);
}

Result<std::vector<float>> Checkpoint::read(std::string_view name) const {
  const SafetensorsFile* file = file_of(name);
  if (file == nullptr) return {Code::not_found, in_quotes(path_) + " has no tensor " + in_quotes(name)};
  return file->read(name);
}

std::string Checkpoint::metadata(const std::string& key) const {
  for (const SafetensorsFile& file : files_) {
    const auto at = file.metadata().find(key);
    if (at != file.metadata().end()) return at->second;
  }
  return {};
}

}  // namespace intvit
