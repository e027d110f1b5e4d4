// A ViT with seeded random weights: for tests and for `vitconvert synth`, where speed is measured and nothing else.
#pragma once

#include <cstdint>

#include "converter/families/output_choice.h"
#include "converter/families/vit/weights.h"
#include "converter/graph/network.h"

namespace intvit {

// The same on every machine.
VitWeights random_vit_weights(const VitDescription& vit, std::uint64_t seed);

// Its graph. `outputs` must be such as it has (build_vit.h).
FloatNetwork random_network(const VitDescription& vit, std::uint64_t seed, const OutputChoice& outputs = {});

}  // namespace intvit
