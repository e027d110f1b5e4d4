#include "converter/optimise/straight_through.h"

#include <cmath>
#include <cstddef>
#include <limits>

namespace intvit {
namespace {

struct Range {
  double low, high;
};

constexpr Range kAll = {-std::numeric_limits<double>::infinity(), std::numeric_limits<double>::infinity()};

Range range_of(const UniformScheme& scheme) {
  return {scheme.lowest() - 0.5 * scheme.scale, scheme.highest() + 0.5 * scheme.scale};
}

// Of what has a code in row `row`. Rows that span their extremes, and channels that take the group of theirs, clamp
// next to nothing.
Range code_range(const ActivationScheme& scheme, int row) {
  switch (scheme.kind) {
    case CodeKind::uniform:
      return scheme.side > 0 ? kAll : range_of(scheme.grid);
    case CodeKind::table:
      return {scheme.table.levels.front(), scheme.table.levels.back()};
    case CodeKind::token:
      return range_of(scheme.parts[static_cast<std::size_t>(row)]);
    case CodeKind::dynamic_token:
    case CodeKind::channel_groups:
      break;
  }
  return kAll;
}

}  // namespace

void pass_straight_through(const ActivationSchemes& schemes, const float* exact, int rows, int columns,
                           float* gradient) {
  const int parts = static_cast<int>(schemes.size()), width = columns / parts;
  for (int part = 0; part < parts; ++part) {
    const ActivationScheme& scheme = schemes[static_cast<std::size_t>(part)];
    const bool has_outliers = scheme.kind != CodeKind::uniform && scheme.outlier > 0;
    const Range aside = scheme.side > 0 ? kAll : range_of(scheme.grid);
    for (int row = 0; row < rows; ++row) {
      const Range codes = code_range(scheme, row);
      const std::ptrdiff_t first = static_cast<std::ptrdiff_t>(row) * columns + part * width;
      for (std::ptrdiff_t i = first; i < first + width; ++i) {
        const bool outlier = has_outliers && std::abs(exact[i]) > scheme.outlier;
        const Range& range = outlier ? aside : codes;
        if (exact[i] < range.low || exact[i] > range.high) gradient[i] = 0;
      }
    }
  }
}

}  // namespace intvit
