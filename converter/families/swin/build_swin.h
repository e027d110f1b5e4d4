// A Swin Transformer's weights -> its graph, with timm's names.
#pragma once

#include "converter/families/output_choice.h"
#include "converter/families/swin/weights.h"
#include "converter/graph/network.h"
#include "intvit/status.h"

namespace intvit {

// Outputs are `logits`, `embedding` (the mean of the last map), `features` (that map, behind the final norm) and, of
// the stages that outputs.layers names, `features.N` as the stage leaves it. invalid_argument for others.
Result<FloatNetwork> build_swin(SwinWeights weights, const OutputChoice& outputs);

}  // namespace intvit
