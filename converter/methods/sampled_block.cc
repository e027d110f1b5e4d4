#include "converter/methods/sampled_block.h"

#include "converter/quantizers/choose_activation.h"

namespace intvit {

SampledBlock::SampledBlock(const MethodInput& input, const BlockSamples& block)
    : index(block.block),
      samples(block),
      layers(input.network.blocks[static_cast<std::size_t>(block.block)]),
      input_(input) {}

const std::map<Site, ActivationSchemes>& SampledBlock::clipped() {
  if (!clipped_.empty()) return clipped_;
  const VitDescription& vit = input_.network.description;
  const int width = vit.head_dim();
  const auto add = [&](Site site, const ChannelError& error) {
    clipped_[site].push_back(choose_uniform(error, input_.activation_bits, input_.run.threads));
  };
  const std::vector<double> columns = column_powers(layers.proj);
  for (int head = 0; head < vit.num_heads; ++head) {
    const int first = head * width;
    // A query meets all keys; what they have in common adds the same to all scores, and the softmax does not see it.
    add(Site::query, {at(Site::query), first, channel_powers(at(Site::key), first, width, true), true});
    add(Site::key, {at(Site::key), first, channel_powers(at(Site::query), first, width, false), false});
    add(Site::value,
        {at(Site::value), first, std::vector<double>(columns.begin() + first, columns.begin() + first + width), false});
  }
  add(Site::attention_output, {at(Site::attention_output), 0, columns, false});
  add(Site::fc2_input, {at(Site::fc2_input), 0, column_powers(layers.fc2), false});
  return clipped_;
}

void SampledBlock::put_clipped(Plan& plan) {
  for (const auto& [site, schemes] : clipped()) plan.activations[name(site)] = schemes;
}

const AttentionError& SampledBlock::attention_error() {
  if (!attention_error_) {
    attention_error_.emplace(at(Site::post_softmax), at(Site::value), clipped().at(Site::value),
                             column_powers(layers.proj), input_.run.threads);
  }
  return *attention_error_;
}

}  // namespace intvit
