#include "converter/plan/simulate.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "converter/float/parallel.h"

namespace intvit {
namespace {

// std::nearbyint for |x| < 2^51 without a call into the library, so that loops over it become vectors.
inline double rounded(double x) {
  constexpr double kShift = 6755399441055744.0;  // 1.5 * 2^52: has no fraction bits left
  return (x + kShift) - kShift;
}

inline double snapped(double x, double inverse, double scale, double zero, double highest) {
  double code = x * inverse;
  code = code < -1e9 ? -1e9 : code > 1e9 ? 1e9 : code;
  code = rounded(code) + zero;
  code = code < 0 ? 0 : code > highest ? highest : code;
  return scale * (code - zero);
}

// A table whose levels have been rounded to the values that the runtime holds.
TableScheme rounded_to_grid(TableScheme table, const UniformScheme& grid) {
  for (double& level : table.levels) level = simulate(level, grid);
  return table;
}

TableScheme rounded_to_grid(TableScheme table, int value_bits) {
  const double one = (1 << value_bits) - 1;
  for (double& level : table.levels) level = std::round(level * one) / one;
  return table;
}

}  // namespace

double simulate(double x, const UniformScheme& s) {
  return snapped(x, 1 / s.scale, s.scale, s.zero_point, s.highest_code());
}

std::vector<float> equalised(const std::vector<float>& rows, const Equalisation& e) {
  std::vector<float> result(rows.size());
  const std::size_t n = e.scale.size();
  for (std::size_t i = 0; i < rows.size(); ++i) {
    result[i] = static_cast<float>(rows[i] / e.scale[i % n] - e.offset[i % n]);
  }
  return result;
}

int nearest_part(const std::vector<UniformScheme>& parts, double low, double high) {
  int best = 0;
  double least = std::numeric_limits<double>::infinity();
  for (std::size_t g = 0; g < parts.size(); ++g) {
    const double below = low - parts[g].lowest(), above = high - parts[g].highest();
    const double distance = below * below + above * above;
    if (distance < least) {
      least = distance;
      best = static_cast<int>(g);
    }
  }
  return best;
}

// Bounds are compared on a logarithmic scale: probabilities differ by factors.
int nearest_bound(const std::vector<double>& bounds, double largest) {
  int best = 0;
  for (std::size_t g = 1; g < bounds.size(); ++g) {
    if (largest * largest > bounds[g - 1] * bounds[g]) best = static_cast<int>(g);
  }
  return best;
}

void simulate(const ActivationScheme& scheme, float* data, int rows, int cols, int stride) {
  const auto at = [&](int r, int c) -> float& { return data[static_cast<std::ptrdiff_t>(r) * stride + c]; };
  const auto snap = [&](float& x, const UniformScheme& s) {
    if (scheme.outlier > 0 && std::abs(x) > scheme.outlier) {
      x = static_cast<float>(simulate(x, scheme.grid));
    } else {
      x = static_cast<float>(simulate(simulate(x, s), scheme.grid));
    }
  };
  switch (scheme.kind) {
    case CodeKind::uniform: {
      const double scale = scheme.grid.scale, inverse = 1 / scale, zero = scheme.grid.zero_point;
      const double highest = scheme.grid.highest_code();
      for (int r = 0; r < rows; ++r) {
        float* row = &at(r, 0);
        for (int c = 0; c < cols; ++c) row[c] = static_cast<float>(snapped(row[c], inverse, scale, zero, highest));
      }
      return;
    }
    case CodeKind::table: {
      const TableScheme table = rounded_to_grid(scheme.table, scheme.grid);
      for (int r = 0; r < rows; ++r) {
        for (int c = 0; c < cols; ++c) at(r, c) = static_cast<float>(value_of(at(r, c), table));
      }
      return;
    }
    case CodeKind::token:
      for (int r = 0; r < rows; ++r) {
        for (int c = 0; c < cols; ++c) snap(at(r, c), scheme.parts[static_cast<std::size_t>(r)]);
      }
      return;
    case CodeKind::dynamic_token:
      for (int r = 0; r < rows; ++r) {
        double low = 0, high = 0;
        for (int c = 0; c < cols; ++c) {
          if (scheme.outlier > 0 && std::abs(at(r, c)) > scheme.outlier) continue;
          low = std::min<double>(low, at(r, c));
          high = std::max<double>(high, at(r, c));
        }
        const UniformScheme row = uniform_scheme(low, high, scheme.bits);
        for (int c = 0; c < cols; ++c) snap(at(r, c), row);
      }
      return;
    case CodeKind::channel_groups:
      for (int c = 0; c < cols; ++c) {
        double low = at(0, c), high = at(0, c);
        for (int r = 1; r < rows; ++r) {
          low = std::min<double>(low, at(r, c));
          high = std::max<double>(high, at(r, c));
        }
        const UniformScheme& part = scheme.parts[static_cast<std::size_t>(nearest_part(scheme.parts, low, high))];
        for (int r = 0; r < rows; ++r) snap(at(r, c), part);
      }
      return;
  }
}

void simulate(const SoftmaxScheme& scheme, int head, float* data, int rows, int cols) {
  TableScheme table;
  if (scheme.codes != SoftmaxCodes::exponential) {
    table = rounded_to_grid(scheme.tables[scheme.tables.size() == 1 ? 0 : static_cast<std::size_t>(head)],
                            scheme.value_bits);
  }
  for (int r = 0; r < rows; ++r) {
    float* row = data + static_cast<std::ptrdiff_t>(r) * cols;
    const double largest = *std::max_element(row, row + cols);
    if (scheme.codes == SoftmaxCodes::absolute) {
      const double bound = scheme.bounds[static_cast<std::size_t>(nearest_bound(scheme.bounds, largest))];
      for (int c = 0; c < cols; ++c) row[c] = static_cast<float>(bound * value_of(row[c] / bound, table));
      continue;
    }
    double sum = 0;
    for (int c = 0; c < cols; ++c) {
      const double ratio = row[c] / largest;
      const double code =
          scheme.codes == SoftmaxCodes::relative ? value_of(ratio, table) : std::round(ratio * 255) / 255;
      row[c] = static_cast<float>(code);
      sum += code;
    }
    for (int c = 0; c < cols; ++c) row[c] = static_cast<float>(row[c] / sum);
  }
}

void simulate(const ResidualScheme& scheme, float* data, int rows, int cols) {
  std::vector<double> steps(static_cast<std::size_t>(cols), scheme.step);
  for (const int c : scheme.coarse_channels)
    steps[static_cast<std::size_t>(c)] = std::ldexp(scheme.step, scheme.coarse_shift);
  const double limit = 1 << (scheme.bits - 1);
  for (int r = 0; r < rows; ++r) {
    for (int c = 0; c < cols; ++c) {
      float& x = data[static_cast<std::ptrdiff_t>(r) * cols + c];
      const double step = steps[static_cast<std::size_t>(c)];
      x = static_cast<float>(step * std::clamp(rounded(x / step), -limit, limit - 1));
    }
  }
}

void PlanSimulator::on_activation(Site site, int block, float* data, int rows, int cols) {
  const std::string name = site_name(site, block);
  if (site == Site::post_softmax) {
    const auto found = plan_.softmax.find(name);
    if (found == plan_.softmax.end()) return;
    // Head by head in pieces of rows, which are independent.
    constexpr int kRowsPerTask = 32;
    const int per_head = rows / vit_.num_heads;
    const int pieces = (per_head + kRowsPerTask - 1) / kRowsPerTask;
    parallel_for(threads_, vit_.num_heads * pieces, [&](int task) {
      const int head = task / pieces, first = task % pieces * kRowsPerTask;
      simulate(found->second, head, data + static_cast<std::ptrdiff_t>(head * per_head + first) * cols,
               std::min(kRowsPerTask, per_head - first), cols);
    });
    return;
  }
  if (site == Site::residual || site == Site::residual_middle) {
    const auto found = plan_.residuals.find(name);
    if (found != plan_.residuals.end()) simulate(found->second, data, rows, cols);
    return;
  }
  const auto found = plan_.activations.find(name);
  if (found == plan_.activations.end()) return;
  const int parts = static_cast<int>(found->second.size()), part_cols = cols / parts;
  for (int part = 0; part < parts; ++part) {
    simulate(found->second[static_cast<std::size_t>(part)], data + part * part_cols, rows, part_cols, cols);
  }
}

}  // namespace intvit
