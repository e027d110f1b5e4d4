#include "converter/plan/scheme.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace intvit {
namespace {

// A tensor that is constantly zero still needs some scale; a fine one never limits what follows.
constexpr double kZeroScale = 0x1p-20;

}  // namespace

UniformScheme uniform_scheme(double low, double high, int bits) {
  low = std::min(low, 0.0);
  high = std::max(high, 0.0);
  const int levels = (1 << bits) - 1;
  UniformScheme scheme;
  scheme.bits = bits;
  scheme.scale = high > low ? (high - low) / levels : kZeroScale;
  scheme.zero_point = std::clamp(static_cast<int>(std::lround(-low / scheme.scale)), 0, levels);
  return scheme;
}

UniformScheme grid_for(double low, double high, int bits) {
  low = std::min(low, 0.0);
  high = std::max(high, 0.0);
  const int levels = (1 << bits) - 1;
  if (!(high > low)) return {bits, kZeroScale, 0};
  UniformScheme best{bits, std::numeric_limits<double>::infinity(), 0};
  const int nearest = static_cast<int>(std::lround(-low / (high - low) * levels));
  for (int zero_point = nearest - 1; zero_point <= nearest + 1; ++zero_point) {
    if (zero_point < 0 || zero_point > levels) continue;
    if ((low < 0 && zero_point == 0) || (high > 0 && zero_point == levels)) continue;
    const double below = low < 0 ? -low / zero_point : 0, above = high > 0 ? high / (levels - zero_point) : 0;
    if (std::max(below, above) < best.scale) best = {bits, std::max(below, above), zero_point};
  }
  return best;
}

ActivationScheme uniform(const UniformScheme& grid) { return {CodeKind::uniform, grid.bits, grid}; }

}  // namespace intvit
