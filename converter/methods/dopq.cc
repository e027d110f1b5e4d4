// dopq: DopQ-ViT (Yang et al., arXiv 2408.03291) without its reconstruction: TanQ for softmax outputs, chosen by the
// error behind proj; the search of an optimal scale for the outputs of both LayerNorms. Beyond the paper, which leaves
// the rest to its reconstruction: clipping by output error elsewhere.
#include "converter/errors/attention_error.h"
#include "converter/errors/channel_error.h"
#include "converter/methods/norm_inputs.h"
#include "converter/methods/output_error.h"
#include "converter/methods/uniform.h"
#include "converter/methods/value_bits.h"
#include "converter/quantizers/tanq.h"

namespace intvit {
Result<Plan> plan_dopq(const MethodInput& input) {
  const int bits = input.activation_bits;
  const WeightScheme weights{input.weight_bits, WeightRange::mse};
  Plan plan = uniform_plan(input, WeightRange::mse,
                           [](const Histogram& histogram, int width) { return percentile_scheme(histogram, width); });
  std::vector<TableScheme> tables;
  for (const TanAngles& angles : tan_candidates()) tables.push_back(tan_table(angles, bits));
  SoftmaxScheme softmax;
  softmax.codes = input.knobs.on("relative") ? SoftmaxCodes::relative : SoftmaxCodes::absolute;
  softmax.bits = bits;
  softmax.value_bits = value_bits(input);
  const auto choose = [&](const BlockSamples& samples) {
    const int b = samples.block;
    const SiteSamples &values = samples.at(Site::value), &attended = samples.at(Site::attention_output);
    const FloatLinear& proj = input.network.blocks[static_cast<std::size_t>(b)].proj;
    choose_by_output_error(input, samples, values, attended, proj, plan);
    const AttentionError error(samples.at(Site::post_softmax), values, plan.activations.at(site_name(Site::value, b)),
                               column_powers(proj), input.threads);
    plan.softmax[site_name(Site::post_softmax, b)] =
        error.choose(softmax, tables, input.knobs.on("per_head"), input.knobs.on("centroid"));
    reparameterise_norms(
        input, samples,
        [&](const SiteSamples& rows, const FloatLinear& layer) {
          return best_reparameterisation(rows, layer, weights, bits, Offsets::chosen, input.threads);
        },
        plan);
  };
  const Status status = for_each_block(input.network, input.pictures, input.threads, input.progress, choose);
  if (!status.ok()) return status;
  return plan;
}

}  // namespace intvit
