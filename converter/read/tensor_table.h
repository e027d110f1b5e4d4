// The tensors of a checkpoint under canonical names, and what is missing from them or too many. Shapes and names only.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "converter/read/checkpoint.h"
#include "intvit/status.h"
#include "models/library_names.h"
#include "models/tensor_names.h"

namespace intvit {

class TensorTable {
 public:
  // The checkpoint must outlive the table. What is left out of it or of its names is appended to `notes`, a line each.
  static Result<TensorTable> build(const Checkpoint& checkpoint, std::vector<std::string>& notes);

  // check() names every tensor that is wrong instead of the first few of each kind.
  void name_all() { name_all_ = true; }

  const Checkpoint& checkpoint() const { return *checkpoint_; }

  Naming naming() const { return naming_; }

  // The value of `logit_scale` or `logit_bias` beside a text tower; nothing if there is none. corrupt_file if it is no
  // number.
  Result<std::optional<double>> scalar(const std::string& name) const;

  // Null when there is none.
  const TensorInfo* find(const TensorName& name) const;
  bool has(const char* name) const { return find({name}) != nullptr; }

  // Dimension `index` of a tensor that has `rank` dimensions; outer ones that are missing are 1. 0 when there is no
  // such tensor or the value is not in 1 .. 2^20, so that an int holds it and products of three are safe in 64 bits.
  int dimension(const TensorName& name, std::size_t index, std::size_t rank) const;

  // Unsupported when a tensor belongs to something that this version cannot run (qk_norm, SwiGLU, ...).
  Status check_features() const;

  // All that is missing, too many or of the wrong shape, in one line, or ok; outer dimensions of 1 do not matter.
  // `architecture` is for the message.
  Status check(const std::vector<TensorSpec>& wanted, const std::string& architecture) const;

 private:
  using Key = std::pair<std::string, TensorPart>;

  // As the user finds it in the checkpoint.
  std::string shown_name(const TensorName& name) const { return library_name(naming_, name); }

  const Checkpoint* checkpoint_ = nullptr;
  Naming naming_ = Naming::timm;
  bool name_all_ = false;
  std::map<Key, const TensorInfo*> tensors_;  // a name without canonical form stands for itself, without prefixes
  std::map<std::string, const TensorInfo*> scalars_;
};

}  // namespace intvit
