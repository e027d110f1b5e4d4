// What methods do with the two LayerNorm outputs of a block, each the input of a linear layer.
#pragma once

#include "converter/equalise/reparameterise.h"
#include "converter/methods/sampled_block.h"

namespace intvit {

// Equalises both with what `choose` returns for the samples and the layer, and gives them its scheme.
template <typename Choose>
void reparameterise_norms(const SampledBlock& block, const Choose& choose, Plan& plan) {
  for (const Site site : {Site::qkv_input, Site::fc1_input}) {
    const std::string name = block.name(site);
    const Reparameterisation r = choose(block.at(site), site == Site::qkv_input ? block.layers.qkv : block.layers.fc1);
    plan.equalisations[name] = r.equalisation;
    plan.activations[name] = {uniform(r.scheme)};
  }
}

}  // namespace intvit
