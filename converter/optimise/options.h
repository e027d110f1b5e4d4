// What a user may say of optimisation by gradients.
#pragma once

#include <cstdint>

#include "converter/optimise/learned_layer.h"

namespace intvit {

struct LearningOptions {
  int pictures = 0;        // the first so many calibration pictures take part; 0: all
  int iterations = 0;      // of each module, or of the network; 0: nothing is optimised
  int batch = 16;          // pictures of an iteration
  double float_share = 0;  // of input rows that are the float network's, the others are the quantized network's
  double importance =
      0.5;  // power to which the importance of a value (importance.h) weighs its error; 0: all count alike
  // How much the divergence of attention rows (attention_targets.h) counts beside the error, each relative to what it
  // was before; 0: not at all.
  double attention = 0;
  LearningRates rates;
  std::uint64_t seed = 0;
};

struct OptimiseOptions {
  LearningOptions modules, network;
};

}  // namespace intvit
