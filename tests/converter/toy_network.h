// An architecture that only tests have: what everything behind the builders must cope with, though no family needs it.
// Two stages of different width. A linear layer between them begins the second stage's residual stream.
#pragma once

#include "converter/graph/network.h"

namespace intvit {

// 24 x 32 pixels, 3 x 4 patches of 8 and one token in front of them; 24 channels, then 40; seven classes.
// Outputs: `features`, the first stage's patches behind a LayerNorm, and `logits`.
FloatNetwork toy_network(unsigned seed);

// The same with gated MLPs; that of the second stage has a LayerNorm of what it multiplies, as EVA-02's have.
FloatNetwork gated_toy(unsigned seed);

// The same with an attention that pools: one query, 13 keys, and a linear layer that reads what another one writes.
FloatNetwork attention_pooled_toy(unsigned seed);

}  // namespace intvit
