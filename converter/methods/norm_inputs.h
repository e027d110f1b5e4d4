// What methods do with the two LayerNorm outputs of a block, each the input of a linear layer.
#pragma once

#include "converter/equalise/reparameterise.h"
#include "converter/methods/method.h"
#include "converter/observe/block_samples.h"

namespace intvit {

// Equalises both with what `choose` returns for the samples and the layer, and gives them its scheme.
template <typename Choose>
void reparameterise_norms(const MethodInput& input, const BlockSamples& samples, const Choose& choose, Plan& plan) {
  const FloatBlock& block = input.network.blocks[static_cast<std::size_t>(samples.block)];
  for (const Site site : {Site::qkv_input, Site::fc1_input}) {
    const std::string name = site_name(site, samples.block);
    const Reparameterisation r = choose(samples.at(site), site == Site::qkv_input ? block.qkv : block.fc1);
    plan.equalisations[name] = r.equalisation;
    plan.activations[name] = {uniform(r.scheme)};
  }
}

}  // namespace intvit
