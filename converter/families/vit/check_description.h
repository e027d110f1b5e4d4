// The limits of a description, checked before anything is computed or allocated from it.
#pragma once

#include "converter/read/tensor_table.h"
#include "intvit/status.h"
#include "models/vit.h"

namespace intvit {

// All sizes are in range and divide each other where they must. Shapes: TensorTable::check.
Status check_description(const VitDescription& vit, const TensorTable& tensors);

// k where n = k * k; 0 when there is none.
int square_root(int n);

}  // namespace intvit
