// minmax: every code range is the range that was seen in calibration. The plainest method, and the yardstick.
#include "converter/methods/uniform.h"

namespace intvit {

Result<Plan> plan_minmax(const MethodInput& input) {
  return uniform_plan(input, WeightRange::max, [](const Histogram& histogram, int bits) {
    return uniform_scheme(histogram.min(), histogram.max(), bits);
  });
}

}  // namespace intvit
