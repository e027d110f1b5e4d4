#include "converter/optimise/learned_codes.h"

#include <algorithm>
#include <cmath>
#include <cstddef>

namespace intvit {
namespace {

// Numbers that are learned of a scheme.
std::size_t size_of(const ActivationScheme& scheme) {
  switch (scheme.kind) {
    case CodeKind::uniform:
      return 1;
    case CodeKind::table:
      return scheme.table.levels.size();
    case CodeKind::token:
      return scheme.parts.size();
    case CodeKind::dynamic_token:
    case CodeKind::channel_groups:
      break;
  }
  return 0;
}

bool has_code(const ActivationScheme& scheme, float x) {
  return scheme.kind == CodeKind::uniform || !(scheme.outlier > 0) || std::abs(x) <= scheme.outlier;
}

// d x^ / d log(scale): x^ - x inside the range, x^ where it is clamped.
double along_scale(const UniformScheme& scheme, float x, float held) {
  const bool inside = x >= scheme.lowest() - 0.5 * scheme.scale && x <= scheme.highest() + 0.5 * scheme.scale;
  return inside ? double{held} - x : double{held};
}

}  // namespace

CodeGradient zero_gradient(const ActivationSchemes& schemes) {
  std::size_t size = 0;
  for (const ActivationScheme& scheme : schemes) size += size_of(scheme);
  return CodeGradient(size, 0.0);
}

void add_code_gradient(const ActivationSchemes& schemes, const float* exact, const float* seen, int rows, int columns,
                       const float* gradient, CodeGradient& sum) {
  const int width = columns / static_cast<int>(schemes.size());
  double* to = sum.data();
  for (std::size_t part = 0; part < schemes.size(); ++part) {
    const ActivationScheme& scheme = schemes[part];
    if (size_of(scheme) == 0) continue;
    for (int row = 0; row < rows; ++row) {
      const std::ptrdiff_t first =
          static_cast<std::ptrdiff_t>(row) * columns + static_cast<std::ptrdiff_t>(part) * width;
      for (std::ptrdiff_t i = first; i < first + width; ++i) {
        if (gradient[i] == 0 || !has_code(scheme, exact[i])) continue;
        if (scheme.kind == CodeKind::table) {
          to[code_of(exact[i], scheme.table)] += gradient[i];
        } else if (scheme.kind == CodeKind::token) {
          to[row] += gradient[i] * along_scale(scheme.parts[static_cast<std::size_t>(row)], exact[i], seen[i]);
        } else {
          to[0] += gradient[i] * along_scale(scheme.grid, exact[i], seen[i]);
        }
      }
    }
    to += size_of(scheme);
  }
}

void LearnedCodes::learn(const CodeGradient& gradient, const AdamStep& step, ActivationSchemes& schemes) {
  std::size_t at = 0;
  const auto change = [&](double unit) {
    const double taken = unit * adam_[at].step(static_cast<float>(gradient[at] * unit), step);
    ++at;
    return taken;
  };
  for (ActivationScheme& scheme : schemes) {
    if (scheme.kind == CodeKind::uniform) {
      scheme.grid.scale *= std::exp(-change(1));
    } else if (scheme.kind == CodeKind::token) {
      for (UniformScheme& part : scheme.parts) part.scale *= std::exp(-change(1));
    } else if (scheme.kind == CodeKind::table) {
      std::vector<double>& levels = scheme.table.levels;
      const double unit = (levels.back() - levels.front()) / static_cast<double>(levels.size());
      for (double& level : levels)
        level = std::clamp(level - change(unit), scheme.grid.lowest(), scheme.grid.highest());
      std::ranges::sort(levels);
    }
  }
}

}  // namespace intvit
