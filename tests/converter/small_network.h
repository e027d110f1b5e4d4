// A Vision Transformer that converts in milliseconds: for tests of whole networks.
#pragma once

#include "converter/observe/calibrate.h"
#include "converter/observe/picture_source.h"
#include "converter/observe/progress.h"
#include "models/vit.h"
#include "tests/converter/network_parts.h"

namespace intvit {

inline const Progress kSilent = [](const std::string&, int, int) {};

// 32 x 40 pixels, 4 x 5 patches and a class token; sizes that are no multiples of any vector's.
inline VitDescription small_vit() {
  VitDescription vit;
  vit.architecture = "test";
  vit.patch_size = 8;
  vit.embed_dim = 48;
  vit.depth = 2;
  vit.num_heads = 3;
  vit.mlp_dim = 100;
  vit.num_classes = 11;
  vit.preprocessing.height = 32;
  vit.preprocessing.width = 40;
  vit.preprocessing.crop_pct = 1;
  return vit;
}

// With what BEiT has of its own.
inline VitDescription as_beit(VitDescription vit) {
  vit.absolute_positions = false;
  vit.relative_positions = true;
  vit.layer_scale = true;
  vit.pooling = Pooling::average;
  vit.fc_norm = true;
  return vit;
}

}  // namespace intvit
