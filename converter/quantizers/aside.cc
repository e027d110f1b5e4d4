#include "converter/quantizers/aside.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "converter/quantizers/least_square_levels.h"
#include "converter/quantizers/table.h"

namespace intvit {
namespace {

constexpr int kGridBits = 8;

}  // namespace

double threshold_aside(std::span<const float> values, double share) {
  if (values.empty()) return 0;
  std::vector<float> magnitudes(values.size());
  std::transform(values.begin(), values.end(), magnitudes.begin(), [](float x) { return std::abs(x); });
  const auto kept = static_cast<std::ptrdiff_t>((1 - share) * static_cast<double>(magnitudes.size() - 1));
  std::nth_element(magnitudes.begin(), magnitudes.begin() + kept, magnitudes.end());
  return magnitudes[static_cast<std::size_t>(kept)];
}

double threshold_aside(const TensorSamples& samples, double share) {
  if (!(share > 0)) return 0;
  std::vector<float> all;
  for (const std::vector<float>& picture : samples.pictures) all.insert(all.end(), picture.begin(), picture.end());
  return threshold_aside(all, share);
}

ActivationScheme table_with_values_aside(std::span<const float> values, std::span<const double> importance, int bits,
                                         double share) {
  const double outlier = share > 0 ? threshold_aside(values, share) : 0;
  std::vector<WeightedValue> kept;
  kept.reserve(values.size());
  double low = 0, high = 0;
  for (std::size_t i = 0; i < values.size(); ++i) {
    low = std::min<double>(low, values[i]);
    high = std::max<double>(high, values[i]);
    if (outlier > 0 && std::abs(values[i]) > outlier) continue;
    kept.push_back({values[i], importance[i % importance.size()]});
  }
  ActivationScheme scheme = table_scheme(least_square_levels(kept, bits), bits, kGridBits);
  if (outlier > 0) {
    scheme.grid = grid_for(low, high, kGridBits);
    scheme.outlier = outlier;
  }
  return scheme;
}

}  // namespace intvit
