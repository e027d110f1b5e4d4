#include "converter/plan/simulate.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "converter/float/parallel.h"
#include "converter/float/vectors/vector_functions.h"
#include "converter/plan/rounding.h"

namespace intvit {
namespace {

// Clamped before rounding, which is the same since both ends are whole.
struct Snap : EvenValues {
  explicit Snap(const UniformScheme& s)
      : EvenValues{1 / s.scale, s.scale, static_cast<double>(-s.zero_point),
                   static_cast<double>(s.highest_code() - s.zero_point)} {}
  double operator()(double x) const {
    const double steps = x * inverse;
    return scale * rounded(steps < lowest ? lowest : steps > highest ? highest : steps);
  }
};

// Codes on a grid. What lies beyond `outlier` has no code, only the grid's rounding.
struct SnapToGrid {
  Snap code, grid;
  double outlier;

  float operator()(float x) const {
    const double held = std::abs(x) > outlier ? x : code(x);
    return static_cast<float>(grid(held));
  }
  void row(float* values, int count) const { vector_functions().round_to_grid({code, grid, outlier}, values, count); }
};

// What values of a row lose at the end of the grid, of which the largest have a place in the row's list.
class Aside {
 public:
  explicit Aside(const ActivationScheme& scheme) : scheme_(scheme), grid_(scheme.grid) {}

  // To be called with a row before its values are codes, and then with their codes' values.
  void note(const float* row, int count) {
    lost_.clear();
    if (scheme_.side == 0) return;
    for (int c = 0; c < count; ++c) {
      if (scheme_.kind != CodeKind::uniform && std::abs(row[c]) <= scheme_.outlier) continue;
      const double steps = rounded(row[c] * grid_.inverse);
      const double excess = std::max(steps - grid_.highest, 0.0) + std::min(steps - grid_.lowest, 0.0);
      if (excess != 0) lost_.push_back({c, steps, std::abs(excess)});
    }
    const auto most = static_cast<std::size_t>(scheme_.side);
    if (lost_.size() <= most) return;
    std::stable_sort(lost_.begin(), lost_.end(), [](const Lost& a, const Lost& b) { return a.excess > b.excess; });
    lost_.resize(most);
  }
  void add_to(float* row) const {
    for (const Lost& lost : lost_) row[lost.column] = static_cast<float>(lost.steps * grid_.scale);
  }

 private:
  struct Lost {
    int column;
    double steps, excess;  // of the grid
  };
  const ActivationScheme& scheme_;
  const Snap grid_;
  std::vector<Lost> lost_;
};

// levels[c] = the level of row[c] / divisor
void look_up(const TableScheme& table, double divisor, const float* row, int count, double* levels) {
  const auto size = static_cast<int>(table.levels.size());
  if (size <= kMostTableLevels) {
    vector_functions().look_up({table.thresholds.data(), table.levels.data(), size, divisor}, row, count, levels);
  } else {
    for (int c = 0; c < count; ++c) levels[c] = value_of(row[c] / divisor, table);
  }
}

// A table whose levels have been rounded to the values that the runtime holds.
TableScheme rounded_to_grid(TableScheme table, const UniformScheme& grid) {
  for (double& level : table.levels) level = simulate(level, grid);
  return table;
}

// What a row spans, but for its outliers.
UniformScheme row_scheme(const float* row, int cols, double outlier, int bits) {
  double low = 0, high = 0;
  for (int c = 0; c < cols; ++c) {
    if (std::abs(row[c]) > outlier) continue;
    low = std::min<double>(low, row[c]);
    high = std::max<double>(high, row[c]);
  }
  return uniform_scheme(low, high, bits);
}

// Every channel takes the part that is nearest to its extremes.
void simulate_groups(const ActivationScheme& scheme, float* data, int rows, int cols, int stride) {
  const auto n = static_cast<std::size_t>(cols);
  std::vector<float> low(data, data + cols), high = low;
  for (int r = 1; r < rows; ++r) {
    const float* row = data + static_cast<std::ptrdiff_t>(r) * stride;
    for (std::size_t c = 0; c < n; ++c) {
      low[c] = std::min(low[c], row[c]);
      high[c] = std::max(high[c], row[c]);
    }
  }
  const double outlier = scheme.outlier > 0 ? scheme.outlier : std::numeric_limits<double>::infinity();
  Aside aside(scheme);
  std::vector<SnapToGrid> snaps;
  for (std::size_t c = 0; c < n; ++c) {
    const auto part = static_cast<std::size_t>(nearest_part(scheme.parts, low[c], high[c]));
    snaps.push_back({Snap(scheme.parts[part]), Snap(scheme.grid), outlier});
  }
  for (int r = 0; r < rows; ++r) {
    float* row = data + static_cast<std::ptrdiff_t>(r) * stride;
    aside.note(row, cols);
    for (std::size_t c = 0; c < n; ++c) row[c] = snaps[c](row[c]);
    aside.add_to(row);
  }
}

TableScheme rounded_to_grid(TableScheme table, int value_bits) {
  const double one = (1 << value_bits) - 1;
  for (double& level : table.levels) level = std::round(level * one) / one;
  return table;
}

}  // namespace

double simulate(double x, const UniformScheme& s) { return Snap(s)(x); }

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
  const auto row_at = [&](int r) { return data + static_cast<std::ptrdiff_t>(r) * stride; };
  const double outlier = scheme.outlier > 0 ? scheme.outlier : std::numeric_limits<double>::infinity();
  const Snap grid(scheme.grid);
  Aside aside(scheme);
  const auto snap_row = [&](int r, const SnapToGrid& snap) {
    aside.note(row_at(r), cols);
    snap.row(row_at(r), cols);
    aside.add_to(row_at(r));
  };
  switch (scheme.kind) {
    case CodeKind::uniform:
      for (int r = 0; r < rows; ++r) snap_row(r, {grid, grid, -1});  // the grid alone
      return;
    case CodeKind::table: {
      const TableScheme table = rounded_to_grid(scheme.table, scheme.grid);
      std::vector<double> levels(static_cast<std::size_t>(cols));
      for (int r = 0; r < rows; ++r) {
        float* row = row_at(r);
        look_up(table, 1, row, cols, levels.data());
        std::transform(levels.begin(), levels.end(), row, row, [&](double level, float x) {
          return static_cast<float>(std::abs(x) > outlier ? grid(x) : level);
        });
      }
      return;
    }
    case CodeKind::token:
      for (int r = 0; r < rows; ++r) {
        snap_row(r, {Snap(scheme.parts[static_cast<std::size_t>(r)]), grid, outlier});
      }
      return;
    case CodeKind::dynamic_token:
      for (int r = 0; r < rows; ++r) {
        snap_row(r, {Snap(row_scheme(row_at(r), cols, outlier, scheme.bits)), grid, outlier});
      }
      return;
    case CodeKind::channel_groups:
      return simulate_groups(scheme, data, rows, cols, stride);
  }
}

void simulate(const SoftmaxScheme& scheme, int head, float* data, int rows, int cols) {
  TableScheme table;
  if (scheme.codes != SoftmaxKind::exponential) {
    table = rounded_to_grid(scheme.tables[scheme.tables.size() == 1 ? 0 : static_cast<std::size_t>(head)],
                            scheme.value_bits);
  }
  std::vector<double> codes(static_cast<std::size_t>(cols));
  for (int r = 0; r < rows; ++r) {
    float* row = data + static_cast<std::ptrdiff_t>(r) * cols;
    const double largest = *std::max_element(row, row + cols);
    if (scheme.codes == SoftmaxKind::absolute) {
      const double bound = scheme.bounds[static_cast<std::size_t>(nearest_bound(scheme.bounds, largest))];
      look_up(table, bound, row, cols, codes.data());
      std::transform(codes.begin(), codes.end(), row, [&](double code) { return static_cast<float>(bound * code); });
      continue;
    }
    if (scheme.codes == SoftmaxKind::relative) {
      look_up(table, largest, row, cols, codes.data());
    } else {
      std::transform(row, row + cols, codes.begin(), [&](float x) { return std::round(x / largest * 255) / 255; });
    }
    const double sum = std::accumulate(codes.begin(), codes.end(), 0.0);
    std::transform(codes.begin(), codes.end(), row,
                   [&](double code) { return static_cast<float>(static_cast<float>(code) / sum); });
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

void PlanSimulator::on_activation(TensorId id, float* data, int rows, int columns) {
  const Tensor& tensor = network_.at(id);
  if (tensor.role == Role::probabilities) {
    const auto found = plan_.softmax.find(tensor.name);
    if (found == plan_.softmax.end()) return;
    // Head by head in pieces of rows, which are independent.
    constexpr int kRowsPerTask = 32;
    const int per_head = rows / tensor.heads;
    const int pieces = (per_head + kRowsPerTask - 1) / kRowsPerTask;
    parallel_for(threads_, tensor.heads * pieces, [&](int task) {
      const int head = task / pieces, first = task % pieces * kRowsPerTask;
      simulate(found->second, head, data + static_cast<std::ptrdiff_t>(head * per_head + first) * columns,
               std::min(kRowsPerTask, per_head - first), columns);
    });
    return;
  }
  if (tensor.role == Role::residual) {
    const auto found = plan_.residuals.find(tensor.name);
    if (found != plan_.residuals.end()) simulate(found->second, data, rows, columns);
    return;
  }
  const auto found = plan_.activations.find(tensor.name);
  if (found == plan_.activations.end()) return;
  const int parts = static_cast<int>(found->second.size()), part_cols = columns / parts;
  for (int part = 0; part < parts; ++part) {
    simulate(found->second[static_cast<std::size_t>(part)], data + part * part_cols, rows, part_cols, columns);
  }
}

}  // namespace intvit
