// Layers with weights, in float32.
#pragma once

#include <vector>

namespace intvit {

// y[out] = sum_in weight[out][in] * x[in] + bias[out]
struct FloatLinear {
  int out = 0;
  int in = 0;
  std::vector<float> weight;  // [out][in]
  std::vector<float> bias;    // [out], zeros where the checkpoint has none
};

struct FloatLayerNorm {
  std::vector<float> gamma;  // [C]
  std::vector<float> beta;   // [C]
};

}  // namespace intvit
