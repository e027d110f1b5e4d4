// A ViT's weights, whatever names and layouts the checkpoint had: what the builder makes a network of.
#pragma once

#include <optional>
#include <vector>

#include "converter/graph/layers.h"
#include "converter/graph/network.h"
#include "models/vit.h"

namespace intvit {

struct FloatBlock {
  FloatLayerNorm norm1;
  FloatLinear qkv;   // [3C][C]: all q, then all k, then all v; inside each, head by head. Rotary pairs are D / 2 apart
  FloatLinear proj;  // layer scale folded in
  FloatLayerNorm norm2;
  FloatLinear fc1;               // of a gated MLP the gates, then the values
  FloatLinear fc2;               // layer scale folded in
  FloatLayerNorm mlp_norm = {};  // where description.mlp_norm
  std::vector<float> bias = {};  // [heads][T][T], where description.relative_positions
};

// Attention pooling. All rows of query are the learnt one: weights of zeros, and a bias that is the query.
struct FloatAttentionPool {
  FloatLinear qkv;
  FloatLinear proj;
  FloatLayerNorm norm;
  FloatLinear fc1;
  FloatLinear fc2;
};

struct VitWeights {
  VitDescription description;
  FloatLinear patch_embed;        // in = patch * patch * 3, ordered (y, x, channel) as pixels lie in memory
  std::vector<float> token_init;  // [T][C]: prefix tokens + their positions, then the positions of the patches
  FloatLayerNorm norm_pre;        // where description.pre_norm
  std::vector<FloatBlock> blocks;
  FloatLayerNorm norm;  // final norm (fc_norm when description.fc_norm)
  // Where there are classes; distilled: in = 2C over (class, distillation), the mean of both heads. Or the projection.
  FloatLinear head;
  FloatAttentionPool pool;  // where it pools by attention
  // Of an encoder that got classes from texts: their logits, of what the head would read.
  FloatLinear texts;
  std::optional<ZeroShot> zero_shot;
};

}  // namespace intvit
