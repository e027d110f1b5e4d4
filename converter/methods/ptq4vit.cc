// ptq4vit: PTQ4ViT (Yuan et al., ECCV 2022): twin uniform codes for softmax and GELU outputs, chosen by the error
// behind the next multiplication; clipping by output error elsewhere.
#include "converter/methods/sampled_segment.h"
#include "converter/methods/uniform.h"
#include "converter/methods/value_bits.h"
#include "converter/quantizers/choose_activation.h"
#include "converter/quantizers/choose_softmax.h"
#include "converter/quantizers/table.h"
#include "converter/quantizers/two_scaled.h"

namespace intvit {
namespace {

// The paper splits at 2^0 ... 2^-19, and tries 1 to 120 % of the range; coarser here.
constexpr int kSplits = 12;
constexpr int kRanges = 40;

class Ptq4Vit : public Planner {
 public:
  explicit Ptq4Vit(const MethodInput& input) : Planner(input, percentile_plan(input)) {
    for (int split = 0; split < kSplits; ++split) {
      probabilities_.push_back(twin_uniform_probabilities(split, input.activation_bits));
    }
  }

  void see(SampledSegment& segment) override {
    segment.put_clipped(plan_);
    for (const SampledAttention& attention : segment.attentions()) {
      plan_.softmax[segment.name(attention.probabilities)] =
          choose(segment.attention_error(attention), softmax_codes(input_, SoftmaxKind::absolute), probabilities_,
                 false, false, input_.run.threads);
    }
    for (const SampledInput& activated : segment.inputs_from<Activate>()) see_activated(segment, activated);
  }

 private:
  void see_activated(const SampledSegment& segment, const SampledInput& activated) {
    const int bits = input_.activation_bits;
    const double largest = input_.statistics.magnitude(activated.tensor);
    if (!(largest > 0)) return;  // the plan has a scheme for zeros
    std::vector<ActivationScheme> activations;
    for (int i = 1; i <= kRanges; ++i) {
      activations.push_back(
          table_scheme(twin_uniform_activations(1.2 * largest * i / kRanges, bits), bits, value_bits(input_)));
    }
    const ChannelError error(segment.at(activated.tensor), 0, column_powers(*activated.layer), false);
    plan_.activations[segment.name(activated.tensor)] = {choose(error, activations, input_.run.threads)};
  }

  std::vector<TableScheme> probabilities_;
};

}  // namespace

std::unique_ptr<Planner> start_ptq4vit(const MethodInput& input) { return std::make_unique<Ptq4Vit>(input); }

}  // namespace intvit
