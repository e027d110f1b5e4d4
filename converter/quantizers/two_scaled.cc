#include "converter/quantizers/two_scaled.h"

#include <cmath>

#include "converter/quantizers/logarithmic.h"
#include "converter/quantizers/table.h"

namespace intvit {
namespace {

// Levels lowest ... highest times `fine`, then those multiples of `coarse` up to `last` that lie above them.
TableScheme two_steps(int lowest, int highest, double fine, int last, double coarse) {
  std::vector<double> levels;
  for (int p = lowest; p <= highest; ++p) levels.push_back(p * fine);
  for (int p = 1; p <= last; ++p) {
    // Not a repetition of the last fine level that only rounding tells apart from it.
    if (p * coarse > levels.back() + fine * 1e-9) levels.push_back(p * coarse);
  }
  return nearest_level_table(std::move(levels));
}

}  // namespace

TableScheme two_scaled_probabilities(int shift, int bits) {
  const int last = (1 << (bits - 1)) - 1;
  const double coarse = 1.0 / last;
  return two_steps(0, last, std::ldexp(coarse, -shift), last, coarse);
}

TableScheme two_scaled_activations(double largest, int shift, int bits) {
  const int last = (1 << (bits - 1)) - 1;
  const double coarse = largest / last;
  return two_steps(-(1 << (bits - 2)), (1 << (bits - 2)) - 1, std::ldexp(coarse, -shift), last, coarse);
}

TableScheme twin_uniform_probabilities(int split, int bits) {
  const int last = (1 << (bits - 1)) - 1;
  return two_steps(0, last, std::ldexp(1.0 / last, -split), last, 1.0 / last);
}

TableScheme twin_uniform_activations(double largest, int bits) {
  const int half = 1 << (bits - 1);
  const double below = -kGeluMinimum / half, above = largest / (half - 1);
  std::vector<double> levels;
  for (int p = half; p >= 1; --p) levels.push_back(-p * below);
  for (int p = 0; p < half; ++p) levels.push_back(p * above);
  return nearest_level_table(std::move(levels));
}

}  // namespace intvit
