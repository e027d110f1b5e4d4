// The names and shapes of the tensors in a Swin checkpoint, in timm's names.
#pragma once

#include <vector>

#include "models/swin.h"
#include "models/tensor_names.h"

namespace intvit {

// Where a checkpoint differs from timm's, apart from names.
struct SwinLayout {
  bool split_qkv = false;     // query, key and value apart
  bool split_biases = false;  // of query and value only, beside one weight
};

// Every tensor that the description needs, in the order of the computation.
std::vector<TensorSpec> swin_tensors(const SwinDescription& swin, const SwinLayout& layout);

// Width of the hidden layer of V2's MLP of positions.
constexpr int kPositionMlpDim = 512;

}  // namespace intvit
