// The float network that everything else in the converter starts from: a ViT with its tensors in the order that the
// engine wants them, whatever names and layouts the checkpoint had.
#pragma once

#include <vector>

#include "models/vit.h"

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

struct FloatBlock {
  FloatLayerNorm norm1;
  FloatLinear qkv;   // [3C][C]: all q, then all k, then all v; inside each, head by head
  FloatLinear proj;  // layer scale folded in
  FloatLayerNorm norm2;
  FloatLinear fc1;
  FloatLinear fc2;  // layer scale folded in
};

struct FloatNetwork {
  VitDescription description;
  FloatLinear patch_embed;        // of normalised pixels; in = patch * patch * 3, ordered (y, x, channel) as pixels lie
  std::vector<float> token_init;  // [T][C]: prefix tokens + their positions, then the positions of the patches
  std::vector<FloatBlock> blocks;
  FloatLayerNorm norm;  // final norm (fc_norm when description.fc_norm)
  FloatLinear head;     // distilled: in = 2C over (class, distillation), the mean of both heads folded in
};

}  // namespace intvit
