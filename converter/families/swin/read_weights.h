// Reads the values of a Swin Transformer's checked tensors. The positions' tables become biases.
#pragma once

#include "converter/families/swin/weights.h"
#include "converter/read/tensor_table.h"
#include "intvit/status.h"

namespace intvit {

// Assumes that tensors.check() with swin_tensors(swin, layout) is ok.
Result<SwinWeights> read_swin_weights(const SwinDescription& swin, const TensorTable& tensors);

}  // namespace intvit
