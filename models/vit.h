// What a plain Vision Transformer is made of: ViT (Dosovitskiy et al. 2021), DeiT with or without a distillation token
// (Touvron et al. 2021), DINOv2, the image towers of CLIP and SigLIP, and their relatives.
// Every choice that differs between published weights is a value here. Plain data; no code of the engine.
#pragma once

#include <string>
#include <vector>

#include "models/activation.h"
#include "models/preprocessing.h"

namespace intvit {

enum class Pooling {
  token,      // class token (with a distillation token: the mean of both heads)
  average,    // mean over the patch tokens
  attention,  // a learnt query asks all tokens; then an MLP with a residual of its own (SigLIP)
};

// What turns the queries and keys of patches, by angles of where they lie.
enum class Rotary {
  none,
  grid,     // EVA-02: rows and columns of a grid that is 16 patches high and wide, whatever the picture's is
  centres,  // DINOv3: the patches' centres, where the picture's borders are -1 and 1
};

// How a table of positions is made to fit another grid: what the library does whose file it is. All align the grids'
// borders.
enum class PositionResize {
  bicubic_antialiased,  // timm, open_clip, DINOv2 with registers
  bicubic,              // transformers
  bicubic_by_factor,    // DINOv2's own code without registers: by the factor (n + 0.1) / old
};

// timm's parameter names (class VisionTransformer) are used throughout.
struct VitDescription {
  std::string architecture;  // timm's name, e.g. deit_tiny_patch16_224
  int patch_size = 16;
  int embed_dim = 0;       // C
  int depth = 0;           // number of blocks
  int num_heads = 0;       // H; the head size D is C / H
  int mlp_dim = 0;         // what fc2 reads
  int num_classes = 0;     // 0: no head
  int projection_dim = 0;  // 0: none. What the head would read is multiplied with a matrix instead (CLIP)
  double layer_norm_eps = 1e-6;
  Activation activation = Activation::gelu_erf;
  Pooling pooling = Pooling::token;
  bool class_token = true;
  bool distillation_token = false;
  int register_tokens = 0;
  bool no_embed_class = false;  // prefix tokens have no position embedding
  bool bare_registers = false;  // register tokens have none, the other prefix tokens do
  bool qkv_bias = true;
  bool layer_scale = false;         // ls1/ls2.gamma
  bool pre_norm = false;            // norm_pre in front of the blocks; the patch embedding then has no bias
  bool absolute_positions = true;   // pos_embed
  bool relative_positions = false;  // each block adds to its scores a table by offset, with three rows for the class
  Rotary rotary = Rotary::none;
  bool gated_mlp = false;       // fc1 makes gates and values, and fc2 reads activation(gate) * value (SwiGLU)
  bool class_and_mean = false;  // the head reads the class token and the mean of the patches, both behind the norm
  bool fc_norm = false;         // the norm stands after pooling (fc_norm) instead of before it (norm)
  bool mlp_norm = false;        // of a gated MLP: a norm of its products
  Preprocessing preprocessing;
  std::vector<std::string> labels;  // empty, or one per class

  int fc1_dim() const { return gated_mlp ? 2 * mlp_dim : mlp_dim; }
  int head_dim() const { return embed_dim / num_heads; }
  int grid_height() const { return preprocessing.height / patch_size; }
  int grid_width() const { return preprocessing.width / patch_size; }
  int patches() const { return grid_height() * grid_width(); }
  int prefix_tokens() const { return (class_token ? 1 : 0) + (distillation_token ? 1 : 0) + register_tokens; }
  // Prefix tokens with a position embedding, which are the first ones.
  int position_prefix() const { return no_embed_class ? 0 : prefix_tokens() - (bare_registers ? register_tokens : 0); }
  // What the head reads: two rows, side by side, of distilled networks and of class_and_mean.
  int head_columns() const { return distillation_token || class_and_mean ? 2 * embed_dim : embed_dim; }
  int tokens() const { return prefix_tokens() + patches(); }
};

}  // namespace intvit
