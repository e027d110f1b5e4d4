// percentile: every activation's range is the one between quantiles that loses least (quantizers/uniform.h).
#include "converter/methods/settled_plan.h"
#include "converter/methods/uniform.h"

namespace intvit {

std::unique_ptr<Planner> start_percentile(const MethodInput& input) {
  return std::make_unique<SettledPlan>(input, percentile_plan(input));
}

}  // namespace intvit
