// percentile: every activation's range is the one between quantiles that loses least (quantizers/uniform.h).
#include "converter/methods/uniform.h"

namespace intvit {

Result<Plan> plan_percentile(const MethodInput& input) {
  return uniform_plan(input, WeightRange::mse,
                      [](const Histogram& histogram, int bits) { return percentile_scheme(histogram, bits); });
}

}  // namespace intvit
