// The part of Python's pickles (protocol 2) that torch.save writes for a dictionary of tensors. A pickle is a program
// for a machine with a stack; this one has no instruction that calls anything. Names of functions are only compared
// with the few that are known, and what they would do for a tensor is noted as data. Everything else is refused by its
// name. Memory is bounded by the pickle's size.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "intvit/status.h"

namespace intvit {

// Where a tensor's values lie: `offset` elements into the storage `key`.
struct PickledTensor {
  std::string name;
  std::string storage_type;  // FloatStorage, HalfStorage, ...
  std::string key;
  std::uint64_t offset = 0;
  std::vector<std::int64_t> shape, strides;  // of elements
};

struct TensorPickle {
  std::vector<PickledTensor> tensors;
  std::string inside;  // the key of the dictionary that they were in; empty: outermost
};

// Of the outermost dictionary, or of the one that it has as state_dict, model_state_dict, model or teacher. What is no
// tensor is left out. corrupt_file or unsupported.
Result<TensorPickle> read_tensor_pickle(std::span<const std::uint8_t> bytes, const std::string& file);

}  // namespace intvit
