// The attention layers of a program, as intvit/attention.h describes them.
#pragma once

#include <cstddef>
#include <vector>

#include "engine/program/program.h"
#include "intvit/attention.h"
#include "intvit/status.h"

namespace intvit {

// The steps that are one, in their order.
std::vector<std::size_t> attention_steps(const Program& program);

// One for each of attention_steps().
std::vector<AttentionLayer> attention_layers(const Program& program);

// The error of asking `layers` for one that does not exist.
Status no_attention_layer(long long layer, const std::vector<AttentionLayer>& layers);

// The keys of layer `index` of attention_layers(): [windows][keys]. out_of_memory: more than any network has.
Result<std::vector<AttentionToken>> attention_tokens(const Program& program, const std::vector<AttentionLayer>& layers,
                                                     std::size_t index);

}  // namespace intvit
