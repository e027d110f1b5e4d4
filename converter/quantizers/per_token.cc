#include "converter/quantizers/per_token.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <map>

#include "converter/quantizers/clip_search.h"
#include "converter/quantizers/uniform.h"

namespace intvit {
namespace {

// 1: nothing clipped. The last two are ours: with 4 bits and values of one position only, the least error often lies
// further inside than the paper's three percentiles look.
constexpr std::array kTokenPercentiles = {1.0, 0.99999, 0.9999, 0.999, 0.995, 0.99};

bool kept_aside(float x, double tau) { return tau > 0 && std::abs(x) > tau; }

// The grid holds outliers as they are, so it covers all that was seen.
UniformScheme covering_grid(const TensorSamples& samples, int bits) {
  double low = 0, high = 0;
  for (const std::vector<float>& picture : samples.pictures) {
    for (const float x : picture) {
      low = std::min<double>(low, x);
      high = std::max<double>(high, x);
    }
  }
  return grid_for(low, high, bits);
}

UniformScheme best_of_percentiles(const std::vector<WeightedValue>& ascending, int bits) {
  if (ascending.empty()) return uniform_scheme(0, 0, bits);
  UniformScheme best;
  double least = -1;
  for (const double p : kTokenPercentiles) {
    const auto cut = static_cast<std::size_t>((1 - p) * static_cast<double>(ascending.size() - 1) + 0.5);
    const UniformScheme scheme =
        uniform_scheme(ascending[cut].value, ascending[ascending.size() - 1 - cut].value, bits);
    const double error = squared_error(ascending, scheme);
    if (least < 0 || error < least) {
      best = scheme;
      least = error;
    }
  }
  return best;
}

ActivationScheme empty_scheme(const TensorSamples& samples, const TokenOptions& options, CodeKind kind) {
  ActivationScheme scheme;
  scheme.kind = kind;
  scheme.bits = options.bits;
  scheme.grid = covering_grid(samples, options.grid_bits);
  scheme.outlier = options.outlier;
  return scheme;
}

}  // namespace

ActivationScheme token_scheme(const TensorSamples& samples, const std::vector<double>& importance,
                              const TokenOptions& options) {
  ActivationScheme scheme = empty_scheme(samples, options, CodeKind::token);
  const auto rows = static_cast<std::size_t>(samples.rows), cols = static_cast<std::size_t>(samples.cols);
  std::map<int, std::vector<std::size_t>> rows_of;
  for (std::size_t row = 0; row < rows; ++row) {
    rows_of[options.positions.empty() ? static_cast<int>(row) : options.positions[row]].push_back(row);
  }
  scheme.parts.resize(rows);
  std::vector<WeightedValue> values;
  for (const auto& [position, its_rows] : rows_of) {
    values.clear();
    for (const std::vector<float>& picture : samples.pictures) {
      for (const std::size_t row : its_rows) {
        for (std::size_t c = 0; c < cols; ++c) {
          const float x = picture[row * cols + c];
          if (!kept_aside(x, options.outlier)) values.push_back({x, importance[c]});
        }
      }
    }
    std::sort(values.begin(), values.end(), [](const WeightedValue& a, const WeightedValue& b) {
      return a.value != b.value ? a.value < b.value : a.weight < b.weight;
    });
    const UniformScheme best = best_of_percentiles(values, options.bits);
    for (const std::size_t row : its_rows) scheme.parts[row] = best;
  }
  return scheme;
}

ActivationScheme dynamic_token_scheme(const TensorSamples& samples, const TokenOptions& options) {
  return empty_scheme(samples, options, CodeKind::dynamic_token);
}

}  // namespace intvit
