// igq: channels of every linear layer's input in groups by their extremes in the picture at hand, softmax rows in
// groups by their largest probability (IGQ-ViT, Moon et al., CVPR 2024, section 4; docs/quantizers.md).
#include "converter/methods/uniform.h"
#include "converter/quantizers/channel_groups.h"
#include "converter/quantizers/clip_search.h"
#include "converter/quantizers/output_error.h"
#include "converter/quantizers/row_groups.h"

namespace intvit {
namespace {

struct GroupedLayer {
  Site site;
  FloatLinear FloatBlock::*layer;
};

constexpr GroupedLayer kGroupedLayers[] = {{Site::qkv_input, &FloatBlock::qkv},
                                           {Site::attention_output, &FloatBlock::proj},
                                           {Site::fc1_input, &FloatBlock::fc1},
                                           {Site::fc2_input, &FloatBlock::fc2}};

}  // namespace

Result<Plan> plan_igq(const MethodInput& input) {
  // Query, key, value and the head's input stay uniform.
  Plan plan = uniform_plan(input, WeightRange::mse, percentile_range);
  const int grid_bits = static_cast<int>(input.knobs.get("grid_bits"));
  const int groups = static_cast<int>(input.knobs.get("groups"));
  const Status status = for_each_block(
      input.network, input.pictures, input.threads, input.progress, [&](const BlockSamples& samples) {
        const FloatBlock& block = input.network.blocks[static_cast<std::size_t>(samples.block)];
        for (const GroupedLayer& place : kGroupedLayers) {
          plan.activations[site_name(place.site, samples.block)] = {channel_groups(
              samples.at(place.site), channel_importance(block.*place.layer), {groups, input.activation_bits, grid_bits})};
        }
        plan.softmax[site_name(Site::post_softmax, samples.block)] =
            row_groups(samples.at(Site::post_softmax), samples.at(Site::value), input.network.description.num_heads,
                       {groups, input.activation_bits, static_cast<int>(input.knobs.get("softmax_value_bits"))},
                       input.threads);
      });
  if (!status.ok()) return status;
  return plan;
}

}  // namespace intvit
