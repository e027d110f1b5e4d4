#include "converter/methods/output_error.h"

#include "converter/errors/channel_error.h"

namespace intvit {

void choose_by_output_error(const MethodInput& input, const BlockSamples& samples, const SiteSamples& values,
                            const SiteSamples& attended, const FloatLinear& proj, Plan& plan) {
  const VitDescription& vit = input.network.description;
  const int bits = input.activation_bits, b = samples.block, width = vit.head_dim();
  const auto set = [&](Site site, int head, const ChannelError& error) {
    plan.activations.at(site_name(site, b))[static_cast<std::size_t>(head)] = error.choose_uniform(bits, input.threads);
  };
  const std::vector<double> columns = column_powers(proj);
  for (int head = 0; head < vit.num_heads; ++head) {
    const int first = head * width;
    // A query meets all keys; what they have in common adds the same to all scores, and the softmax does not see it.
    set(Site::query, head,
        {samples.at(Site::query), first, channel_powers(samples.at(Site::key), first, width, true), true});
    set(Site::key, head,
        {samples.at(Site::key), first, channel_powers(samples.at(Site::query), first, width, false), false});
    set(Site::value, head,
        {values, first, std::vector<double>(columns.begin() + first, columns.begin() + first + width), false});
  }
  set(Site::attention_output, 0, {attended, 0, columns, false});
  const FloatLinear& fc2 = input.network.blocks[static_cast<std::size_t>(b)].fc2;
  set(Site::fc2_input, 0, {samples.at(Site::fc2_input), 0, column_powers(fc2), false});
}

void choose_by_output_error(const MethodInput& input, const BlockSamples& samples, Plan& plan) {
  choose_by_output_error(input, samples, samples.at(Site::value), samples.at(Site::attention_output),
                         input.network.blocks[static_cast<std::size_t>(samples.block)].proj, plan);
}

}  // namespace intvit
