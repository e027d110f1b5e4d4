// repq: RepQ-ViT (Li et al., ICCV 2023): channel-wise codes of LayerNorms' outputs, made layer-wise with the mean
// scale; log sqrt 2 for softmax outputs (with zero among the 2^bits levels, where the published code has one more);
// percentiles elsewhere.
#include "converter/methods/norm_inputs.h"
#include "converter/methods/uniform.h"
#include "converter/methods/value_bits.h"
#include "converter/quantizers/logarithmic.h"

namespace intvit {
namespace {

// All probabilities of an attention.
Histogram histogram_of(const TensorSamples& probabilities) {
  Histogram histogram;
  for (const std::vector<float>& picture : probabilities.pictures) {
    histogram.add(picture.data(), picture.size());
  }
  return histogram;
}

class Repq : public Planner {
 public:
  explicit Repq(const MethodInput& input) : Planner(input, percentile_plan(input)) {}

  void see(SampledSegment& segment) override {
    const int bits = input_.activation_bits;
    const auto base = input_.knobs.on("base_two") ? LogarithmBase::two : LogarithmBase::square_root_of_two;
    SoftmaxScheme softmax = softmax_codes(input_, SoftmaxKind::absolute);
    for (const SampledAttention& attention : segment.attentions()) {
      softmax.tables = {best_logarithmic_table(base, histogram_of(segment.probabilities_of(attention)), bits)};
      plan_.softmax[segment.name(attention.probabilities)] = softmax;
    }
    reparameterise_norms(
        segment,
        [&](const TensorSamples& rows, const FloatLinear&) {
          return reparameterise(channel_ranges(rows, bits, input_.run.threads), CommonScale::mean, bits);
        },
        plan_);
  }
};

}  // namespace

std::unique_ptr<Planner> start_repq(const MethodInput& input) { return std::make_unique<Repq>(input); }

}  // namespace intvit
