// percentile: the range between the quantiles 1 - p and p that loses least, among p = 0.999, 0.9999, 0.99999 (the
// search of RepQ-ViT, Li et al., ICCV 2023, for uniform quantizers) and the whole range.
#include <array>

#include "converter/methods/uniform.h"

namespace intvit {
namespace {

constexpr std::array kPercentiles = {1.0, 0.99999, 0.9999, 0.999};

UniformScheme best_percentile(const Histogram& histogram, int bits) {
  UniformScheme best;
  double least = -1;
  for (const double p : kPercentiles) {
    const UniformScheme scheme = uniform_scheme(histogram.quantile(1 - p), histogram.quantile(p), bits);
    const double error = squared_error(histogram, scheme);
    if (least < 0 || error < least) {
      best = scheme;
      least = error;
    }
  }
  return best;
}

}  // namespace

Result<Plan> plan_percentile(const MethodInput& input) {
  return uniform_plan(input, WeightRange::mse, best_percentile);
}

}  // namespace intvit
