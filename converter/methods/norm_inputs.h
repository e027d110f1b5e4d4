// What methods do with the LayerNorm outputs of a segment that are the inputs of linear layers.
#pragma once

#include "converter/equalise/reparameterise.h"
#include "converter/methods/sampled_segment.h"

namespace intvit {

// Equalises each with what `choose` returns for the samples and the layer, and gives it its scheme.
template <typename Choose>
void reparameterise_norms(const SampledSegment& segment, const Choose& choose, Plan& plan) {
  for (const SampledInput& input : segment.inputs_from<LayerNorm>()) {
    const std::string& name = segment.name(input.tensor);
    const Reparameterisation r = choose(segment.at(input.tensor), *input.layer);
    plan.equalisations[name] = r.equalisation;
    plan.activations[name] = {uniform(r.scheme)};
  }
}

}  // namespace intvit
