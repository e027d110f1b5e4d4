// repq: RepQ-ViT (Li et al., ICCV 2023): channel-wise codes of both LayerNorms' outputs, made layer-wise with the mean
// scale; log sqrt 2 for softmax outputs (with zero among the 2^bits levels, where the published code has one more);
// percentiles elsewhere.
#include "converter/errors/attention_error.h"
#include "converter/methods/norm_inputs.h"
#include "converter/methods/uniform.h"
#include "converter/methods/value_bits.h"
#include "converter/quantizers/logarithmic.h"

namespace intvit {

Result<Plan> plan_repq(const MethodInput& input) {
  const int bits = input.activation_bits;
  Plan plan = uniform_plan(input, WeightRange::mse,
                           [](const Histogram& histogram, int width) { return percentile_scheme(histogram, width); });
  const auto base = input.knobs.on("base_two") ? LogarithmBase::two : LogarithmBase::square_root_of_two;
  const Status status =
      for_each_block(input.network, input.pictures, input.threads, input.progress, [&](const BlockSamples& samples) {
        SoftmaxScheme softmax;
        softmax.codes = SoftmaxCodes::absolute;
        softmax.bits = bits;
        softmax.value_bits = value_bits(input);
        softmax.tables = {best_logarithmic_table(base, probability_histogram(samples), bits)};
        plan.softmax[site_name(Site::post_softmax, samples.block)] = softmax;
        reparameterise_norms(
            input, samples,
            [&](const SiteSamples& rows, const FloatLinear&) {
              return reparameterise(channel_ranges(rows, bits, input.threads), CommonScale::mean, bits);
            },
            plan);
      });
  if (!status.ok()) return status;
  return plan;
}

}  // namespace intvit
