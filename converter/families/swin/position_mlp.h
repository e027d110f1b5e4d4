// Swin Transformer V2's continuous positions: a small MLP of how far two tokens lie apart, which does not depend on the
// picture and is evaluated when a checkpoint is read.
#pragma once

#include <vector>

#include "converter/graph/layers.h"

namespace intvit {

struct PositionMlp {
  FloatLinear first;   // [512][2]: of offsets down and across
  FloatLinear second;  // [heads][512]; ReLU in between
};

// The table that relative_bias() takes: 16 sigmoid(mlp(offsets)), where offsets are the logarithms of distances in
// parts of a window that is `trained` tokens wide; 0: as wide as this one.
std::vector<float> position_table(const PositionMlp& mlp, int height, int width, int trained);

}  // namespace intvit
