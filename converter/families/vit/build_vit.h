// A ViT's weights -> its graph, with timm's names.
#pragma once

#include "converter/families/output_choice.h"
#include "converter/families/vit/weights.h"
#include "converter/graph/network.h"
#include "intvit/status.h"

namespace intvit {

// invalid_argument for outputs that this network does not have; the message names those it has.
Result<FloatNetwork> build_vit(VitWeights weights, const OutputChoice& outputs);

}  // namespace intvit
