// Reads the values of checked tensors and brings them into the engine's order.
#pragma once

#include "converter/families/vit/weights.h"
#include "converter/read/tensor_table.h"
#include "intvit/status.h"
#include "models/tensor_names.h"

namespace intvit {

// Assumes that tensors.check() with vit_tensors(vit, layout) is ok.
Result<VitWeights> read_vit_weights(const VitDescription& vit, const TensorLayout& layout, const TensorTable& tensors);

}  // namespace intvit
