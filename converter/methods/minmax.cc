// minmax: every code range is the range that was seen in calibration. The plainest method, and the yardstick.
#include "converter/methods/settled_plan.h"
#include "converter/methods/uniform.h"

namespace intvit {

std::unique_ptr<Planner> start_minmax(const MethodInput& input) {
  const Plan plan = uniform_plan(input, WeightRange::max, [](const Histogram& histogram, int bits) {
    return uniform_scheme(histogram.min(), histogram.max(), bits);
  });
  return std::make_unique<SettledPlan>(input, plan);
}

}  // namespace intvit
