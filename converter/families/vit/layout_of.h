// Where a checkpoint's tensors differ from timm's, apart from their names.
#pragma once

#include <string>
#include <vector>

#include "converter/read/config.h"
#include "converter/read/tensor_table.h"
#include "intvit/status.h"
#include "models/tensor_names.h"
#include "models/vit.h"

namespace intvit {

// `vit` is what describe_vit() made of the same checkpoint; `config` tells the grid of positions that are not on a
// square one. That they have to be resized is appended to `notes`.
Result<TensorLayout> layout_of(const VitDescription& vit, const ModelConfig& config, const TensorTable& tensors,
                               std::vector<std::string>& notes);

}  // namespace intvit
