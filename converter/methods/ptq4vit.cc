// ptq4vit: PTQ4ViT (Yuan et al., ECCV 2022): twin uniform codes for softmax and GELU outputs, chosen by the error
// behind the next multiplication; clipping by output error elsewhere.
#include "converter/errors/attention_error.h"
#include "converter/errors/channel_error.h"
#include "converter/methods/output_error.h"
#include "converter/methods/uniform.h"
#include "converter/methods/value_bits.h"
#include "converter/quantizers/table.h"
#include "converter/quantizers/two_scaled.h"

namespace intvit {
namespace {

// The paper splits at 2^0 ... 2^-19, and tries 1 to 120 % of the range; coarser here.
constexpr int kSplits = 12;
constexpr int kRanges = 40;

}  // namespace

Result<Plan> plan_ptq4vit(const MethodInput& input) {
  const int bits = input.activation_bits, table_bits = value_bits(input);
  Plan plan = uniform_plan(input, WeightRange::mse,
                           [](const Histogram& histogram, int width) { return percentile_scheme(histogram, width); });
  std::vector<TableScheme> probabilities;
  for (int split = 0; split < kSplits; ++split) probabilities.push_back(twin_uniform_probabilities(split, bits));
  SoftmaxScheme softmax;
  softmax.codes = SoftmaxCodes::absolute;
  softmax.bits = bits;
  softmax.value_bits = table_bits;
  const Status status =
      for_each_block(input.network, input.pictures, input.threads, input.progress, [&](const BlockSamples& samples) {
        const int b = samples.block;
        const FloatBlock& block = input.network.blocks[static_cast<std::size_t>(b)];
        choose_by_output_error(input, samples, plan);
        const AttentionError attention(samples.at(Site::post_softmax), samples.at(Site::value),
                                       plan.activations.at(site_name(Site::value, b)), column_powers(block.proj),
                                       input.threads);
        plan.softmax[site_name(Site::post_softmax, b)] = attention.choose(softmax, probabilities, false, false);
        const double largest = input.statistics.magnitude(Site::fc2_input, b);
        if (!(largest > 0)) return;  // the plan has a scheme for zeros
        std::vector<ActivationScheme> activations;
        for (int i = 1; i <= kRanges; ++i) {
          activations.push_back(
              table_scheme(twin_uniform_activations(1.2 * largest * i / kRanges, bits), bits, table_bits));
        }
        const ChannelError error(samples.at(Site::fc2_input), 0, column_powers(block.fc2), false);
        plan.activations[site_name(Site::fc2_input, b)] = {error.choose(activations, input.threads)};
      });
  if (!status.ok()) return status;
  return plan;
}

}  // namespace intvit
