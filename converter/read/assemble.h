// Reads the values of checked tensors and brings them into the engine's order: the last step of load_network.h.
#pragma once

#include "converter/float/network.h"
#include "converter/read/tensor_table.h"
#include "intvit/status.h"

namespace intvit {

// Assumes that tensors.check(vit, layout) is ok.
Result<FloatNetwork> assemble_network(const VitDescription& vit, const TensorLayout& layout,
                                      const TensorTable& tensors);

}  // namespace intvit
