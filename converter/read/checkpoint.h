// The tensors of a checkpoint, wherever they lie: one .safetensors file, a folder with model.safetensors, a folder with
// model.safetensors.index.json and its shards, or one with open_clip_model.safetensors; and the same of torch.save: a
// .pth, .pt or .bin file, pytorch_model.bin, pytorch_model.bin.index.json; or a .npz file of numpy.savez, model.npz.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "converter/read/safetensors.h"
#include "intvit/status.h"

namespace intvit {

class Checkpoint {
 public:
  static Result<Checkpoint> open(const std::string& path);

  const std::string& path() const { return path_; }      // as given to open(), for messages
  const std::string& folder() const { return folder_; }  // where config.json would be

  // All tensors; no name occurs twice. The pointers live as long as the checkpoint.
  std::vector<const TensorInfo*> tensors() const;
  const TensorInfo* find(std::string_view name) const;
  Result<std::vector<float>> read(std::string_view name) const;

  // The value of a key of __metadata__; empty when no file has it.
  std::string metadata(const std::string& key) const;

 private:
  const SafetensorsFile* file_of(std::string_view name) const;
  Status open_shards(const std::string& index_path);

  std::string path_;
  std::string folder_;
  std::vector<SafetensorsFile> files_;
};

}  // namespace intvit
