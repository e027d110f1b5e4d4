// dopq: DopQ-ViT (Yang et al., arXiv 2408.03291) without its reconstruction: TanQ for softmax outputs, chosen by the
// error behind proj; the search of an optimal scale for the outputs of LayerNorms. Beyond the paper, which leaves
// the rest to its reconstruction: clipping by output error elsewhere.
#include "converter/methods/norm_inputs.h"
#include "converter/methods/uniform.h"
#include "converter/methods/value_bits.h"
#include "converter/quantizers/choose_softmax.h"
#include "converter/quantizers/tanq.h"

namespace intvit {
namespace {

class Dopq : public Planner {
 public:
  explicit Dopq(const MethodInput& input) : Planner(input, percentile_plan(input)) {
    for (const TanAngles& angles : tan_candidates()) tables_.push_back(tan_table(angles, input.activation_bits));
  }

  void see(SampledSegment& segment) override {
    const WeightScheme weights{input_.weight_bits, WeightRange::mse};
    const SoftmaxKind kind = input_.knobs.on("relative") ? SoftmaxKind::relative : SoftmaxKind::absolute;
    segment.put_clipped(plan_);
    for (const SampledAttention& attention : segment.attentions()) {
      plan_.softmax[segment.name(attention.probabilities)] =
          choose(segment.attention_error(attention), softmax_codes(input_, kind), tables_, input_.knobs.on("per_head"),
                 input_.knobs.on("centroid"), input_.run.threads);
    }
    reparameterise_norms(
        segment,
        [&](const TensorSamples& rows, const FloatLinear& layer) {
          return best_reparameterisation(rows, layer, weights, input_.activation_bits, Offsets::chosen,
                                         input_.run.threads);
        },
        plan_);
  }

 private:
  std::vector<TableScheme> tables_;
};

}  // namespace

std::unique_ptr<Planner> start_dopq(const MethodInput& input) { return std::make_unique<Dopq>(input); }

}  // namespace intvit
