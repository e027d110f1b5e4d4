// What a program takes and gives.
#pragma once

#include "converter/lower/lowering.h"

namespace intvit {

// The picture and the network's outputs, all of whose nodes have been lowered. unsupported for an output that is
// neither logits nor 16-bit values.
Status add_ports(Lowering& lowering);

}  // namespace intvit
