// Who looks at a float network while it runs.
#pragma once

#include "converter/graph/tensor.h"

namespace intvit {

// Is shown the activations as they arise, in the order of execution, always on the thread that called run().
struct Observer {
  virtual ~Observer() = default;
  // data is rows x columns as the tensor says, row-major and contiguous. The observer may overwrite it, and the network
  // goes on with what it then holds: so a simulated quantizer is applied in place. Valid during the call only.
  virtual void on_activation(TensorId tensor, float* data, int rows, int columns) = 0;
};

}  // namespace intvit
