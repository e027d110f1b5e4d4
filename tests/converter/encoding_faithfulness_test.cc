// Lowered encodings do what their schemes mean: run by the scalar kernel, against converter/plan/simulate.h.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <numbers>
#include <random>
#include <string>
#include <vector>

#include "converter/errors/sample_rows.h"
#include "converter/lower/encoding.h"
#include "converter/plan/simulate.h"
#include "converter/quantizers/aside.h"
#include "converter/quantizers/channel_groups.h"
#include "converter/quantizers/least_square_levels.h"
#include "converter/quantizers/logarithmic.h"
#include "converter/quantizers/per_token.h"
#include "converter/quantizers/table.h"
#include "converter/quantizers/tanq.h"
#include "converter/quantizers/two_scaled.h"
#include "converter/quantizers/uniform.h"
#include "tests/converter/run_encoding.h"

using namespace intvit;

namespace {

struct Margins {
  std::size_t values = 0, exceptions = 0;
  std::size_t far = 0;      // exceptions that no x within the stated distance explains
  std::size_t two_off = 0;  // exceptions of more than one level
  std::size_t unsound = 0;  // where the reference here and simulate() disagree
  double worst = 0;         // distance from what a neighbour within the stated distance has, steps of the grid

  void add(const Margins& m) {
    values += m.values, exceptions += m.exceptions, far += m.far, two_off += m.two_off, unsound += m.unsound;
    worst = std::max(worst, m.worst);
  }
};

void check(const Margins& m, double most_exceptions, const std::string& what) {
  MESSAGE(what << ": " << m.values << " values, "
               << 100.0 * static_cast<double>(m.exceptions) / static_cast<double>(m.values)
               << " % beside a threshold, worst " << m.worst << " steps");
  CHECK(m.far == 0);
  CHECK(m.two_off == 0);
  CHECK(m.unsound == 0);
  CHECK(static_cast<double>(m.exceptions) <= most_exceptions * static_cast<double>(m.values));
}

std::vector<std::int16_t> in_units(const std::vector<float>& x, double unit) {
  std::vector<std::int16_t> result;
  for (const float value : x)
    result.push_back(static_cast<std::int16_t>(std::clamp(std::round(value / unit), -32768.0, 32767.0)));
  return result;
}

// Tables: equal to simulate() unless a threshold lies within one unit of x: half a unit for the rounding of x, half a
// unit for that of the threshold.
Margins table_margins(const ActivationScheme& scheme, const std::vector<float>& x, double least_unit = 0) {
  const Result<FineUnit> unit = fine_unit(scheme, least_unit);
  REQUIRE(unit.ok());
  Result<Encoding> encoding = make_encoding(scheme, unit.value());
  REQUIRE(encoding.ok());
  const int cols = 64, rows = static_cast<int>(x.size()) / cols;
  const Encoded got = run_encoding(encoding.value(), in_units(x, unit.value().unit), rows, cols);
  std::vector<float> held = x;
  simulate(scheme, held.data(), rows, cols, cols);
  const UniformScheme& grid = scheme.grid;
  // Distinct values in order: a level is a place among them.
  std::vector<int> levels;
  for (const double level : scheme.table.levels)
    levels.push_back(static_cast<int>(std::lround(simulate(level, grid) / grid.scale)));
  levels.erase(std::unique(levels.begin(), levels.end()), levels.end());
  const auto place = [&](int steps) { return std::lower_bound(levels.begin(), levels.end(), steps) - levels.begin(); };
  Margins m;
  m.values = got.values.size();
  for (std::size_t i = 0; i < m.values; ++i) {
    const int steps = got.values[i] - grid.zero_point;
    if (std::abs(steps * grid.scale - held[i]) <= 0.5 * grid.scale) continue;
    ++m.exceptions;
    const double distance = 1.0001 * unit.value().unit;
    const double low = simulate(value_of(x[i] - distance, scheme.table), grid) / grid.scale;
    const double high = simulate(value_of(x[i] + distance, scheme.table), grid) / grid.scale;
    const double beyond = std::max({0.0, low - steps, steps - high});
    m.worst = std::max(m.worst, beyond);
    if (beyond > 0.01) ++m.far;
    if (std::abs(place(steps) - place(static_cast<int>(std::lround(held[i] / grid.scale)))) > 1) ++m.two_off;
  }
  return m;
}

// Values of a site with even codes. A border between two codes is as far as 1 + |x| / 2^15 units (docs/arithmetic.md),
// and half a unit for the rounding of x; rows with ranges of their own: another unit, since a border follows from two
// rounded extremes. Values: half a step of the grid, and what the rounding of a code's step adds.
struct EvenCodes {
  const ActivationScheme& scheme;
  const std::vector<float>& x;
  int rows, cols;
  FineUnit fine;
  double rounding;  // of a code's step, steps of the grid

  std::size_t at(int r, int c) const { return static_cast<std::size_t>(r * cols + c); }
  bool dynamic() const { return scheme.kind == CodeKind::dynamic_token; }
  bool by_column() const { return scheme.kind == CodeKind::channel_groups; }
  bool aside(double value) const { return scheme.outlier > 0 && std::abs(value) > scheme.outlier; }
};

// What a row or a column is encoded by.
struct EvenPart {
  UniformScheme codes;
  bool skipped = false;     // another channel group than the nearest, just as near
  bool other_zero = false;  // the zero point may be another one than simulate()'s
};

EvenPart part_of_row(const EvenCodes& e, int row) {
  double low = 0, high = 0;
  for (int c = 0; c < e.cols; ++c) {
    const double value = e.x[e.at(row, c)];
    if (e.aside(value)) continue;
    low = std::min(low, value);
    high = std::max(high, value);
  }
  const double unit = e.fine.unit;
  EvenPart part{uniform_scheme(low, high, e.scheme.bits)};
  // A row whose zero is halfway between two codes may round it the other way: its extremes are rounded.
  const double scale = std::max(part.codes.scale, 2 * unit), zero = -low / scale, error = 2 * unit / scale;
  part.codes.scale = scale;
  part.codes.zero_point = static_cast<int>(std::lround(zero));
  if (std::abs(zero - std::floor(zero) - 0.5) <= error) {
    const double below = std::round(-low / unit), range = below + std::round(high / unit);
    const double codes = part.codes.highest_code();
    part.codes.zero_point = static_cast<int>(std::floor(below * codes / std::max(range, 2 * codes) + 0.5));
    part.other_zero = true;
  }
  return part;
}

// The channel group that the kernel chose, which may be `far` from the nearest.
EvenPart part_of_column(const EvenCodes& e, int column, int chosen, std::size_t& far) {
  double low = e.x[e.at(0, column)], high = low;
  for (int r = 1; r < e.rows; ++r) {
    low = std::min<double>(low, e.x[e.at(r, column)]);
    high = std::max<double>(high, e.x[e.at(r, column)]);
  }
  const int exact = nearest_part(e.scheme.parts, low, high);
  EvenPart part{e.scheme.parts[static_cast<std::size_t>(chosen)]};
  if (chosen == exact) return part;
  part.skipped = true;
  // Each of both distances is off by at most sqrt(2) units.
  const auto distance = [&](int g) {
    const UniformScheme& group = e.scheme.parts[static_cast<std::size_t>(g)];
    return std::hypot(low - group.lowest(), high - group.highest());
  };
  if (distance(chosen) - distance(exact) > 2 * std::numbers::sqrt2 * e.fine.unit) ++far;
  return part;
}

std::vector<EvenPart> even_parts(const EvenCodes& e, const std::vector<int>& column_part, std::size_t& far) {
  std::vector<EvenPart> parts;
  for (const UniformScheme& codes : e.scheme.kind == CodeKind::token ? e.scheme.parts : std::vector<UniformScheme>()) {
    parts.push_back({codes});
  }
  for (int r = 0; e.dynamic() && r < e.rows; ++r) parts.push_back(part_of_row(e, r));
  for (int c = 0; e.by_column() && c < e.cols; ++c) {
    parts.push_back(part_of_column(e, c, column_part[static_cast<std::size_t>(c)], far));
  }
  return parts;
}

// One value, which has become `steps` of the grid; simulate() holds it as `held`.
void add_value(const EvenCodes& e, const EvenPart& owner, double value, double steps, double held, Margins& m) {
  const UniformScheme &grid = e.scheme.grid, &part = owner.codes;
  const double unit = e.fine.unit;
  const auto clamped = [&](double s) {
    return std::clamp<double>(s, -grid.zero_point, grid.highest_code() - grid.zero_point);
  };
  const auto level = [&](double y) { return clamped(simulate(y, part) / grid.scale); };
  const auto kept = [&](double y) { return clamped(y / grid.scale); };
  const bool aside = e.aside(value);
  const double exact = aside ? kept(value) : level(value);
  ++m.values;
  // Codes are at least two units apart; a part that is finer is as coarse as that.
  const bool too_fine = part.scale < 2.001 * unit;
  if (!owner.other_zero && !(e.dynamic() && too_fine) && std::abs(held / grid.scale - exact) > 0.5001) ++m.unsound;
  const double slack = 0.5 + e.rounding + 1e-4 + (too_fine ? std::ldexp(1.51, -e.fine.fine_bits) : 0) +
                       (e.dynamic() ? std::ldexp(1.0, -e.fine.fine_bits) : 0);
  if (std::abs(steps - exact) <= slack) return;
  if (too_fine && (value > part.highest() || value < part.lowest())) return;  // not clipped so early
  ++m.exceptions;
  const double distance = (1.5 + std::abs(value) / unit / 32768 + (e.dynamic() ? 1 : 0)) * unit;
  double beyond = std::max({0.0, level(value - distance) - slack - steps, steps - level(value + distance) - slack});
  const double half_unit = std::ldexp(0.5, -e.fine.fine_bits);
  if (e.scheme.outlier > 0 && std::abs(std::abs(value) - e.scheme.outlier) <= unit) {
    // The other side of the border of outliers.
    beyond = std::min(beyond, std::max(0.0, std::abs(steps - kept(value)) - 0.5 - half_unit - 1e-4));
  } else if (aside) {
    beyond = std::max(0.0, std::abs(steps - exact) - 0.5 - half_unit - 1e-4);
  }
  m.worst = std::max(m.worst, beyond);
  if (beyond > 0) ++m.far;
  if (!aside && std::abs(std::abs(value) - e.scheme.outlier) > unit &&
      std::abs(steps - exact) > part.scale / grid.scale + slack)
    ++m.two_off;
}

Margins affine_margins(const ActivationScheme& scheme, const std::vector<float>& x, int rows, int cols) {
  const Result<FineUnit> fine = fine_unit(scheme, 0);
  REQUIRE(fine.ok());
  Result<Encoding> encoding = make_encoding(scheme, fine.value());
  REQUIRE_MESSAGE(encoding.ok(), encoding.status().message());
  const EncodeOp& op = encoding.value().op;
  const Encoded got = run_encoding(encoding.value(), in_units(x, fine.value().unit), rows, cols);
  std::vector<float> held = x;
  simulate(scheme, held.data(), rows, cols, cols);
  const EvenCodes e{scheme, x, rows, cols, fine.value(), std::ldexp(op.max_code, static_cast<int>(op.step_shift) - 16)};
  Margins m;
  const std::vector<EvenPart> parts = even_parts(e, got.column_part, m.far);
  for (int r = 0; r < rows; ++r) {
    for (int c = 0; c < cols; ++c) {
      const EvenPart& owner = parts[static_cast<std::size_t>(e.by_column() ? c : r)];
      const std::size_t i = e.at(r, c);
      if (!owner.skipped) add_value(e, owner, x[i], got.values[i] - scheme.grid.zero_point, held[i], m);
    }
  }
  return m;
}

// Channels of widths from 2^-9 to 4; channel 0 is constant, row 1 all zero; a few far outliers.
TensorSamples uneven(int pictures, int rows, int cols, unsigned seed) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal(0, 1);
  TensorSamples samples{rows, cols, {}};
  for (int p = 0; p < pictures; ++p) {
    std::vector<float>& picture = samples.pictures.emplace_back();
    for (int r = 0; r < rows; ++r) {
      const float size = std::exp2(static_cast<float>(r % 4) - 2);
      for (int c = 0; c < cols; ++c) {
        const float width = std::exp2(static_cast<float>(c % 12) - 9);
        float x = width * (size * normal(random) + static_cast<float>(c % 3 - 1));
        if (random() % 500 == 0) x = 12 + normal(random);
        picture.push_back(c == 0 ? 0.75f : r == 1 ? 0 : x);
      }
    }
  }
  return samples;
}

std::vector<float> gelu_values(std::size_t count, unsigned seed) {
  std::mt19937 random(seed);
  std::normal_distribution<double> normal(0, 1.5);
  std::vector<float> values;
  while (values.size() < count) {
    const double x = normal(random);
    values.push_back(static_cast<float>(0.5 * x * std::erfc(-x / std::numbers::sqrt2)));
  }
  return values;
}

}  // namespace

TEST_CASE("encodings by table are simulate() but for values within one unit of a threshold") {
  const std::vector<float> values = gelu_values(64 * 512, 1);
  std::vector<float> positive, some(values.begin(), values.begin() + 4096);
  for (const float x : values) positive.push_back(std::min(std::abs(x) / 4, 1.5f));
  for (const int bits : {3, 4, 6, 8}) {
    Margins all;
    for (const int grid_bits : {8, 12}) {
      CAPTURE(bits);
      CAPTURE(grid_bits);
      const double largest = *std::max_element(values.begin(), values.end());
      for (const TableScheme& table :
           {shifted_logarithmic_table(LogarithmBase::square_root_of_two, 4, kGeluMinimum, bits),
            least_square_levels(some, bits), two_scaled_activations(largest, 3, bits)}) {
        all.add(table_margins(table_scheme(table, bits, grid_bits), values));
        if (bits <= 4) all.add(table_margins(table_scheme(table, bits, grid_bits), values, 1.7e-3));
      }
      for (const TableScheme& table :
           {logarithmic_table(LogarithmBase::square_root_of_two, 0.9, bits), tan_table({1.4, 1.1}, bits)}) {
        all.add(table_margins(table_scheme(table, bits, grid_bits), positive));
      }
    }
    // A threshold stands on the wrong side of a third of a unit's values; many levels have many thresholds.
    check(all, bits <= 4 ? 0.005 : bits == 6 ? 0.015 : 0.03, "tables of " + std::to_string(bits) + " bits");
  }
}

TEST_CASE("encodings by table keep values aside on the grid, within a step of it") {
  const std::vector<float> values = gelu_values(64 * 512, 7);
  const std::vector<double> equal = {1.0};
  for (const int bits : {3, 4, 6}) {
    for (const double share : {0.01, 0.2}) {
      const ActivationScheme scheme = table_with_values_aside(values, equal, bits, share);
      const UniformScheme& grid = scheme.grid;
      REQUIRE(scheme.outlier > 0);
      const FineUnit unit = fine_unit(scheme, 0).take();
      const Encoded got = run_encoding(make_encoding(scheme, unit).take(), in_units(values, unit.unit), 512, 64);
      std::vector<float> held = values;
      simulate(scheme, held.data(), 512, 64, 64);
      std::size_t aside = 0, coded_otherwise = 0;
      double worst = 0;
      for (std::size_t i = 0; i < values.size(); ++i) {
        const double off = std::abs((got.values[i] - grid.zero_point) * grid.scale - held[i]);
        if (std::abs(values[i]) > scheme.outlier + unit.unit) {
          ++aside;
          worst = std::max(worst, off / grid.scale);
          CHECK(std::abs(held[i] - values[i]) <= 0.51 * grid.scale);
        } else if (off > 0.5 * grid.scale) {
          ++coded_otherwise;
        }
      }
      CHECK(static_cast<double>(aside) == doctest::Approx(share * static_cast<double>(values.size())).epsilon(0.1));
      CHECK(worst <= 1.01);
      CHECK(coded_otherwise < values.size() / 50);
    }
  }
}

TEST_CASE("encodings by token, by row and by channel group are simulate() but for values beside a border") {
  const int rows = 24, cols = 96;
  const TensorSamples samples = uneven(4, rows, cols, 2);
  const std::vector<double> equal(static_cast<std::size_t>(cols), 1.0);
  for (const int bits : {3, 4, 6, 8}) {
    Margins token, dynamic, groups;
    for (const int grid_bits : {8, 12}) {
      for (const TensorSamples& pictures : {samples, uneven(3, rows, cols, 3)}) {
        for (const std::vector<float>& picture : pictures.pictures) {
          for (const double outlier : {0.0, 8.0}) {
            token.add(affine_margins(token_scheme(samples, equal, {bits, grid_bits, outlier}), picture, rows, cols));
            dynamic.add(affine_margins(dynamic_token_scheme(samples, {bits, grid_bits, outlier}), picture, rows, cols));
          }
        }
      }
      const ActivationScheme grouped = channel_groups(samples, equal, {8, bits, grid_bits});
      for (const TensorSamples& pictures : {samples, uneven(3, rows, cols, 3)}) {
        for (const std::vector<float>& picture : pictures.pictures) {
          groups.add(affine_margins(grouped, picture, rows, cols));
        }
      }
    }
    CAPTURE(bits);
    const double most = bits < 8 ? 0.01 : 0.02;  // the finest of 256 codes are two units apart
    check(token, most, "tokens of " + std::to_string(bits) + " bits");
    check(dynamic, most, "dynamic tokens of " + std::to_string(bits) + " bits");
    check(groups, most, "channel groups of " + std::to_string(bits) + " bits");
  }
}
