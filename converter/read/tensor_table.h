// The tensors of a checkpoint under canonical names, and what is missing from them or too many. Shapes and names only.
#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "converter/read/checkpoint.h"
#include "intvit/status.h"
#include "models/tensor_names.h"

namespace intvit {

class TensorTable {
 public:
  // The checkpoint must outlive the table.
  static Result<TensorTable> build(const Checkpoint& checkpoint);

  const Checkpoint& checkpoint() const { return *checkpoint_; }

  // Names of transformers rather than timm's.
  bool hugging_face() const { return hugging_face_; }

  // Null when there is none.
  const TensorInfo* find(const TensorName& name) const;
  bool has(const char* name) const { return find({name}) != nullptr; }

  // Dimension `index` of a tensor that has `rank` dimensions; 0 when there is no such tensor or the value is not in
  // 1 .. 2^20, so that an int holds it and products of three are safe in 64 bits.
  int dimension(const TensorName& name, std::size_t index, std::size_t rank) const;

  // Unsupported when a tensor belongs to something that this version cannot run (qk_norm, SwiGLU, ...).
  Status check_features() const;

  // All that is missing, too many or of the wrong shape, in one line, or ok. `architecture` is for the message.
  Status check(const std::vector<TensorSpec>& wanted, const std::string& architecture) const;

 private:
  using Key = std::pair<std::string, TensorPart>;

  // As the user finds it in the checkpoint.
  std::string shown_name(const TensorName& name) const { return hugging_face_ ? hugging_face_name(name) : name.name; }

  const Checkpoint* checkpoint_ = nullptr;
  bool hugging_face_ = false;
  std::map<Key, const TensorInfo*> tensors_;  // a name without canonical form stands for itself
};

}  // namespace intvit
