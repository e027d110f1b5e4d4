// What methods have in common that choose everything by the error behind the next multiplication and differ in the
// codes that they try: ptq4vit and tsptq.
#pragma once

#include <vector>

#include "converter/methods/sampled_segment.h"
#include "converter/methods/value_bits.h"
#include "converter/quantizers/choose_activation.h"
#include "converter/quantizers/choose_softmax.h"

namespace intvit {

// Puts into the plan: the segment's clipped uniform codes; for every attention one of the tables `probabilities`, the
// same for all heads; for what activation functions produce one of candidates(largest magnitude), a list of schemes.
template <typename Candidates>
void choose_by_output_error(const MethodInput& input, SampledSegment& segment,
                            const std::vector<TableScheme>& probabilities, const Candidates& candidates, Plan& plan) {
  segment.put_clipped(plan);
  for (const SampledAttention& attention : segment.attentions()) {
    plan.softmax[segment.name(attention.probabilities)] =
        choose(segment.attention_error(attention), softmax_codes(input, SoftmaxKind::absolute), probabilities, false,
               false, input.run.threads);
  }
  for (const SampledInput& activated : segment.inputs_from<Activate>()) {
    const double largest = input.statistics.magnitude(activated.tensor);
    if (!(largest > 0)) continue;  // the plan has a scheme for zeros
    const ChannelError error(segment.at(activated.tensor), 0, column_powers(*activated.layer), false);
    plan.activations[segment.name(activated.tensor)] = {choose(error, candidates(largest), input.run.threads)};
  }
}

}  // namespace intvit
