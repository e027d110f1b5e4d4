// ptq4vit: PTQ4ViT (Yuan et al., ECCV 2022): twin uniform codes for softmax and GELU outputs, chosen by the error
// behind the next multiplication; clipping by output error elsewhere.
#include "converter/methods/by_output_error.h"
#include "converter/methods/uniform.h"
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
    const auto candidates = [&](double largest) {
      const int bits = input_.activation_bits;
      std::vector<ActivationScheme> schemes;
      for (int i = 1; i <= kRanges; ++i) {
        schemes.push_back(
            table_scheme(twin_uniform_activations(1.2 * largest * i / kRanges, bits), bits, value_bits(input_)));
      }
      return schemes;
    };
    choose_by_output_error(input_, segment, probabilities_, candidates, plan_);
  }

 private:
  std::vector<TableScheme> probabilities_;
};

}  // namespace

std::unique_ptr<Planner> start_ptq4vit(const MethodInput& input) { return std::make_unique<Ptq4Vit>(input); }

}  // namespace intvit
