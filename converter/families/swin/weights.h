// A Swin Transformer's weights, whatever names and layouts the checkpoint had: what the builder makes a network of.
#pragma once

#include <vector>

#include "converter/graph/layers.h"
#include "models/swin.h"

namespace intvit {

struct SwinBlock {
  FloatLayerNorm norm1;
  FloatLinear qkv;  // [3C][C]: all q, then all k, then all v; inside each, head by head
  FloatLinear proj;
  FloatLayerNorm norm2;
  FloatLinear fc1;
  FloatLinear fc2;
  std::vector<float> bias;    // [heads][N][N] of a window
  std::vector<float> scales;  // version 2: [heads], what cosines are multiplied with
};

// In front of a stage but the first.
struct SwinMerging {
  FloatLayerNorm norm;
  FloatLinear reduction;
};

struct SwinStageWeights {
  SwinMerging merging;
  std::vector<SwinBlock> blocks;
};

struct SwinWeights {
  SwinDescription description;
  FloatLinear patch_embed;  // in = patch * patch * 3, ordered (y, x, channel) as pixels lie in memory
  FloatLayerNorm patch_norm;
  std::vector<SwinStageWeights> stages;
  FloatLayerNorm norm;
  FloatLinear head;  // where there are classes
};

}  // namespace intvit
