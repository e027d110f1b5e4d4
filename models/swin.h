// What a Swin Transformer (Liu et al. 2021) or a Swin Transformer V2 (Liu et al. 2022) is made of. Every choice that
// differs between published weights or between the libraries that run them is a value here. Plain data.
#pragma once

#include <algorithm>
#include <string>
#include <vector>

#include "models/activation.h"
#include "models/preprocessing.h"

namespace intvit {

// What becomes of a window that is larger than the grid. In each case the grid then does not move that way.
enum class LargeWindow {
  shrinks,       // timm: to the grid, along each axis
  shrinks_both,  // transformers: both edges to the grid's shorter one, if that is no longer than the window
  stays,         // torchvision: the grid is padded
  // transformers' Swin V2: shrinks to the grid that a picture of the config's height has, whatever the input's size.
  // Merging rounds down there.
  shrinks_by_config,
};

struct SwinStage {
  int depth = 0;  // blocks; every other one moves its windows
  int num_heads = 0;
  int window = 0;  // edge, in tokens
  // Edge that the network's positions were trained with before, if it was another one. V2.
  int pretrained_window = 0;
};

// timm's parameter names (class SwinTransformer) are used throughout.
struct SwinDescription {
  std::string architecture;  // timm's name, e.g. swin_tiny_patch4_window7_224
  int version = 1;           // 2: cosine attention, norms behind the branches, positions by an MLP
  int patch_size = 4;
  int embed_dim = 0;  // channels of stage 0; each stage has twice those of the one before
  std::vector<SwinStage> stages;
  double mlp_ratio = 4;
  int num_classes = 0;  // 0: no head
  bool qkv_bias = true;
  double layer_norm_eps = 1e-5;
  Activation activation = Activation::gelu_erf;
  bool pads_before_move = false;  // of grids that are no multiple of the window; timm pads behind the move
  LargeWindow large_window = LargeWindow::shrinks;
  int config_height = 0;  // of pictures; shrinks_by_config only
  Preprocessing preprocessing;
  std::vector<std::string> labels;  // empty, or one per class

  int stage_count() const { return static_cast<int>(stages.size()); }
  const SwinStage& stage(int index) const { return stages[static_cast<std::size_t>(index)]; }
  int channels(int stage) const { return embed_dim << stage; }
  int mlp_dim(int stage) const { return static_cast<int>(channels(stage) * mlp_ratio); }
  int grid_height(int stage) const { return halved(preprocessing.height / patch_size, stage); }
  int grid_width(int stage) const { return halved(preprocessing.width / patch_size, stage); }
  // As it is on the stage's grid.
  int window_height(int stage) const { return fitted(grid_height(stage), grid_width(stage), stage); }
  int window_width(int stage) const { return fitted(grid_width(stage), grid_height(stage), stage); }
  // Of a block that moves.
  int shift_down(int stage) const { return shift(grid_height(stage), grid_width(stage), stage); }
  int shift_right(int stage) const { return shift(grid_width(stage), grid_height(stage), stage); }

 private:
  // Merging rounds up.
  static int halved(int size, int times) { return times == 0 ? size : halved((size + 1) / 2, times - 1); }
  // The edge of the grid that the window must not exceed: `along` the axis, the shorter one, or the config's.
  int limit(int along, int across, int index) const {
    if (large_window == LargeWindow::shrinks_by_config) return std::max(1, (config_height / patch_size) >> index);
    return large_window == LargeWindow::shrinks_both && across < along ? across : along;
  }
  int fitted(int along, int across, int index) const {
    const int window = stage(index).window, most = limit(along, across, index);
    return large_window != LargeWindow::stays && most < window ? most : window;
  }
  int shift(int along, int across, int index) const {
    const int window = stage(index).window;
    return limit(along, across, index) <= window ? 0 : window / 2;
  }
};

}  // namespace intvit
