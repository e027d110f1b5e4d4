#include "converter/quantizers/uniform.h"

namespace intvit {

UniformScheme percentile_scheme(const Histogram& histogram, int bits) {
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

UniformScheme percentile_scheme(std::span<const float> samples, int bits) {
  Histogram histogram;
  histogram.add(samples.data(), samples.size());
  return percentile_scheme(histogram, bits);
}

}  // namespace intvit
