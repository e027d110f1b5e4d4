// The lowered integers do what the schemes mean: encodings and softmax tables run by the scalar kernels, and whole
// networks, against converter/plan/simulate.h.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <map>
#include <memory>
#include <numbers>
#include <random>
#include <string>
#include <vector>

#include "converter/convert/convert.h"
#include "converter/equalise/fold.h"
#include "converter/float/random_network.h"
#include "converter/lower/attention_parameters.h"
#include "converter/lower/encoding.h"
#include "converter/lower/linear_lowering.h"
#include "converter/lower/lower.h"
#include "converter/plan/simulate.h"
#include "converter/quantizers/channel_groups.h"
#include "converter/quantizers/least_square_levels.h"
#include "converter/quantizers/logarithmic.h"
#include "converter/quantizers/per_token.h"
#include "converter/quantizers/table.h"
#include "converter/quantizers/tanq.h"
#include "converter/quantizers/two_scaled.h"
#include "converter/quantizers/uniform.h"
#include "converter/weights/quantize.h"
#include "converter/weights/sequential.h"
#include "intvit/session.h"
#include "kernels/dispatch/kernel_table.h"
#include "kernels/encode/encode_law.h"
#include "kernels/gemm/tiles.h"
#include "tests/converter/small_network.h"

using namespace intvit;

namespace {

struct alignas(64) Line {
  std::uint8_t bytes[64];
};

std::vector<Line> scratch_of(std::size_t bytes) { return std::vector<Line>(bytes / sizeof(Line) + 1); }

// ---- encodings

struct Encoded {
  std::vector<int> values;       // on the grid
  std::vector<int> column_part;  // channel groups: the group of each column
};

// As engine/ops/encode.cc does it.
Encoded run_encoding(const Encoding& e, const std::vector<std::int16_t>& x, int rows, int cols) {
  const kernels::EncodeKernels& kernels = *kernels::kernel_table(Isa::scalar).encode;
  const auto n = static_cast<std::size_t>(cols);
  std::vector<Line> scratch = scratch_of(kernels::encode_scratch_bytes(cols));
  std::vector<std::uint8_t> bytes(static_cast<std::size_t>(rows) * n * 2);
  kernels::EncodeArgs args{};
  args.src = x.data();
  args.src_stride = cols;
  args.dst = bytes.data();
  args.dst_stride = 2 * cols;
  args.plane_stride = e.op.planes == 2 ? cols : 0;
  args.rows = rows;
  args.columns = cols;
  args.table = {e.thresholds.data(), e.values.data(), static_cast<int>(e.op.levels)};
  args.max_code = static_cast<int>(e.op.max_code);
  args.step_shift = static_cast<int>(e.op.step_shift);
  args.fine_bits = static_cast<int>(e.op.fine_bits);
  args.outlier = static_cast<std::int16_t>(e.op.outlier);
  args.grid_zero = static_cast<std::int16_t>(e.op.grid_zero);
  args.grid_max = static_cast<std::int16_t>(e.op.grid_max);
  args.scratch = scratch.data();
  Encoded result;
  std::vector<std::int16_t> columns;
  args.kind = e.op.kind;
  if (e.op.kind == kernels::EncodeKind::rows) {
    REQUIRE(e.codes.size() == 4 * static_cast<std::size_t>(rows));
    args.codes = {e.codes.data(), e.codes.data() + rows, e.codes.data() + 2 * rows, e.codes.data() + 3 * rows};
  } else if (e.op.kind == kernels::EncodeKind::columns) {
    const auto groups = static_cast<std::size_t>(e.op.groups);
    REQUIRE(e.codes.size() == 6 * groups);
    std::vector<std::int16_t> lowest(n), highest(n);
    kernels.column_ranges({x.data(), cols, rows, cols, lowest.data(), highest.data()});
    columns.resize(4 * n);
    for (std::size_t c = 0; c < n; ++c) {
      const int group = kernels::nearest_group(lowest[c], highest[c], e.codes.data(), e.codes.data() + groups,
                                               static_cast<int>(groups));
      result.column_part.push_back(group);
      for (std::size_t i = 0; i < 4; ++i)
        columns[i * n + c] = e.codes[(2 + i) * groups + static_cast<std::size_t>(group)];
    }
    args.codes = {columns.data(), columns.data() + n, columns.data() + 2 * n, columns.data() + 3 * n};
  }
  kernels.run(args);
  for (std::size_t r = 0; r < static_cast<std::size_t>(rows); ++r) {
    for (std::size_t c = 0; c < n; ++c) {
      const std::uint8_t* at = bytes.data() + r * 2 * n + c;
      result.values.push_back(e.op.planes == 2 ? at[0] + 256 * at[n] : at[0]);
    }
  }
  return result;
}

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

// Even codes. A border between two codes is as far as 1 + |x| / 2^15 units (docs/arithmetic.md), and half a unit for
// the rounding of x; rows with ranges of their own: another unit, since a border follows from two rounded extremes.
// Values: half a step of the grid, and what the rounding of a code's step adds, max_code * 2^(step_shift - 16).
Margins affine_margins(const ActivationScheme& scheme, const std::vector<float>& x, int rows, int cols) {
  const Result<FineUnit> fine = fine_unit(scheme, 0);
  REQUIRE(fine.ok());
  const double unit = fine.value().unit;
  Result<Encoding> encoding = make_encoding(scheme, fine.value());
  REQUIRE_MESSAGE(encoding.ok(), encoding.status().message());
  const Encoding& e = encoding.value();
  const std::vector<std::int16_t> integers = in_units(x, unit);
  const Encoded got = run_encoding(e, integers, rows, cols);
  std::vector<float> held = x;
  simulate(scheme, held.data(), rows, cols, cols);
  const UniformScheme& grid = scheme.grid;
  const bool dynamic = scheme.kind == CodeKind::dynamic_token;
  const double rounding = std::ldexp(e.op.max_code, static_cast<int>(e.op.step_shift) - 16);
  const auto at = [&](int r, int c) { return static_cast<std::size_t>(r * cols + c); };
  const auto aside = [&](double value) { return scheme.outlier > 0 && std::abs(value) > scheme.outlier; };

  // The part of each row or column.
  std::vector<UniformScheme> parts;
  std::vector<bool> skipped(static_cast<std::size_t>(std::max(rows, cols)), false), other_zero = skipped;
  Margins m;
  if (scheme.kind == CodeKind::token) parts = scheme.parts;
  if (dynamic) {
    for (int r = 0; r < rows; ++r) {
      double low = 0, high = 0;
      for (int c = 0; c < cols; ++c) {
        if (aside(x[at(r, c)])) continue;
        low = std::min<double>(low, x[at(r, c)]);
        high = std::max<double>(high, x[at(r, c)]);
      }
      parts.push_back(uniform_scheme(low, high, scheme.bits));
      UniformScheme& part = parts.back();
      // A row whose zero is halfway between two codes may round it the other way: its extremes are rounded.
      const double zero = -low / std::max(part.scale, 2 * unit), error = 2 * unit / std::max(part.scale, 2 * unit);
      if (part.scale < 2 * unit) part.scale = 2 * unit;
      part.zero_point = static_cast<int>(std::lround(zero));
      if (std::abs(zero - std::floor(zero) - 0.5) <= error) {
        const double below = std::round(-low / unit), range = below + std::round(high / unit);
        const double codes = part.highest_code();
        part.zero_point = static_cast<int>(std::floor(below * codes / std::max(range, 2 * codes) + 0.5));
        other_zero[static_cast<std::size_t>(r)] = true;
      }
    }
  }
  if (scheme.kind == CodeKind::channel_groups) {
    for (int c = 0; c < cols; ++c) {
      double low = x[at(0, c)], high = low;
      for (int r = 1; r < rows; ++r) {
        low = std::min<double>(low, x[at(r, c)]);
        high = std::max<double>(high, x[at(r, c)]);
      }
      const int exact = nearest_part(scheme.parts, low, high), chosen = got.column_part[static_cast<std::size_t>(c)];
      parts.push_back(scheme.parts[static_cast<std::size_t>(chosen)]);
      if (chosen == exact) continue;
      // Each of both distances is off by at most sqrt(2) units.
      const auto distance = [&](int g) {
        const UniformScheme& part = scheme.parts[static_cast<std::size_t>(g)];
        return std::hypot(low - part.lowest(), high - part.highest());
      };
      skipped[static_cast<std::size_t>(c)] = true;
      if (distance(chosen) - distance(exact) > 2 * std::numbers::sqrt2 * unit) ++m.far;
    }
  }
  for (int r = 0; r < rows; ++r) {
    for (int c = 0; c < cols; ++c) {
      const std::size_t owner = static_cast<std::size_t>(scheme.kind == CodeKind::channel_groups ? c : r);
      if (skipped[owner]) continue;
      const UniformScheme& part = parts[owner];
      const double value = x[at(r, c)], steps = got.values[at(r, c)] - grid.zero_point;
      const auto clamped = [&](double s) {
        return std::clamp<double>(s, -grid.zero_point, grid.highest_code() - grid.zero_point);
      };
      const auto level = [&](double y) { return clamped(simulate(y, part) / grid.scale); };
      const auto kept = [&](double y) { return clamped(y / grid.scale); };
      const double exact = aside(value) ? kept(value) : level(value);
      ++m.values;
      // Codes are at least two units apart; a part that is finer is as coarse as that.
      const bool too_fine = part.scale < 2.001 * unit;
      if (!other_zero[owner] && !(dynamic && too_fine) && std::abs(held[at(r, c)] / grid.scale - exact) > 0.5001)
        ++m.unsound;
      const double slack = 0.5 + rounding + 1e-4 + (too_fine ? std::ldexp(1.51, -fine.value().fine_bits) : 0) +
                           (dynamic ? std::ldexp(1.0, -fine.value().fine_bits) : 0);
      if (std::abs(steps - exact) <= slack) continue;
      if (too_fine && (value > part.highest() || value < part.lowest())) continue;  // not clipped so early
      ++m.exceptions;
      const double distance = (1.5 + std::abs(value) / unit / 32768 + (dynamic ? 1 : 0)) * unit;
      double beyond = std::max({0.0, level(value - distance) - slack - steps, steps - level(value + distance) - slack});
      if (scheme.outlier > 0 && std::abs(std::abs(value) - scheme.outlier) <= unit) {
        // The other side of the border of outliers.
        const double half_unit = std::ldexp(0.5, -fine.value().fine_bits);
        beyond = std::min(beyond, std::max(0.0, std::abs(steps - kept(value)) - 0.5 - half_unit - 1e-4));
      } else if (aside(value)) {
        const double half_unit = std::ldexp(0.5, -fine.value().fine_bits);
        beyond = std::max(0.0, std::abs(steps - exact) - 0.5 - half_unit - 1e-4);
      }
      m.worst = std::max(m.worst, beyond);
      if (beyond > 0) ++m.far;
      if (!aside(value) && std::abs(std::abs(value) - scheme.outlier) > unit &&
          std::abs(steps - exact) > part.scale / grid.scale + slack)
        ++m.two_off;
    }
  }
  return m;
}

// Channels of widths from 2^-9 to 4; channel 0 is constant, row 1 all zero; a few far outliers.
SiteSamples uneven(int pictures, int rows, int cols, unsigned seed) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal(0, 1);
  SiteSamples samples{rows, cols, {}};
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

TEST_CASE("encodings by token, by row and by channel group are simulate() but for values beside a border") {
  const int rows = 24, cols = 96;
  const SiteSamples samples = uneven(4, rows, cols, 2);
  const std::vector<double> equal(static_cast<std::size_t>(cols), 1.0);
  for (const int bits : {3, 4, 6, 8}) {
    Margins token, dynamic, groups;
    for (const int grid_bits : {8, 12}) {
      for (const SiteSamples& pictures : {samples, uneven(3, rows, cols, 3)}) {
        for (const std::vector<float>& picture : pictures.pictures) {
          for (const double outlier : {0.0, 8.0}) {
            token.add(affine_margins(token_scheme(samples, equal, {bits, grid_bits, outlier}), picture, rows, cols));
            dynamic.add(affine_margins(dynamic_token_scheme(samples, {bits, grid_bits, outlier}), picture, rows, cols));
          }
        }
      }
      const ActivationScheme grouped = channel_groups(samples, equal, {8, bits, grid_bits});
      for (const SiteSamples& pictures : {samples, uneven(3, rows, cols, 3)}) {
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

namespace {

// ---- softmax

struct SoftmaxMargins {
  std::size_t values = 0, exceptions = 0, rows = 0, equal_rows = 0;
  double worst = 0;          // 1/256 octave from the threshold
  double worst_divisor = 0;  // relative
};

// The scalar kernel on integer scores against simulate() of the softmax of these scores. `octaves` is how far a
// threshold may be from a value that falls on its other side.
SoftmaxMargins softmax_margins(const SoftmaxScheme& scheme, int heads, unsigned seed) {
  constexpr int kColumns = 100, kPadded = 128, kHeadDim = 32;
  const UniformScheme query{8, 0.013, 120}, key{8, 0.017, 128}, out{8, 0.01, 128};
  const auto parameters = attention_parameters(query, key, {8, 0.01, 128}, out, kHeadDim);
  REQUIRE(parameters.ok());
  const auto& p = parameters.value();
  const double per_score = query.scale * key.scale / std::sqrt(kHeadDim);  // natural units
  const SoftmaxEncoding e = make_softmax_encoding(scheme, heads);
  std::vector<std::uint8_t> bytes(2 * kPadded);
  std::vector<Line> scratch = scratch_of(kernels::softmax_scratch_bytes(kPadded));
  std::mt19937 random(seed);
  std::normal_distribution<double> normal(0, 1);
  const double one = (1 << scheme.value_bits) - 1;
  SoftmaxMargins m;
  for (int row = 0; row < 400; ++row) {
    const int head = row % heads;
    const double spread = 0.05 * std::exp2(row % 8);  // from nearly even to one for all
    std::vector<std::int32_t> scores(kPadded, 1 << 30);
    std::vector<double> logs(kColumns);
    for (std::size_t c = 0; c < kColumns; ++c)
      scores[c] = static_cast<std::int32_t>(std::lround(spread * normal(random) / per_score));
    const std::int32_t top = *std::max_element(scores.begin(), scores.begin() + kColumns);
    double sum = 0;
    for (std::size_t c = 0; c < kColumns; ++c) sum += std::exp(per_score * (scores[c] - top));
    std::vector<float> probabilities;
    for (std::size_t c = 0; c < kColumns; ++c) {
      logs[c] = per_score * (top - scores[c]) * std::numbers::log2e + std::log2(sum);  // -log2 of the probability
      probabilities.push_back(static_cast<float>(std::exp2(-logs[c])));
    }
    const std::vector<float> exact = probabilities;
    simulate(scheme, head, probabilities.data(), 1, kColumns);

    kernels::SoftmaxArgs args{};
    args.scores = scores.data();
    args.dst = bytes.data();
    args.plane_stride = e.planes == 2 ? kPadded : 0;
    args.columns = kColumns;
    args.padded_columns = kPadded;
    args.scale = {p[kSoftmaxLeftShift], p[kSoftmaxRightShift], static_cast<std::uint16_t>(p[kSoftmaxMultiplier])};
    args.kind = e.kind;
    args.scratch = scratch.data();
    if (args.kind != kernels::SoftmaxKind::exponential) {
      const auto h = static_cast<std::size_t>(head);
      args.table.thresholds = e.thresholds.data() + h * (e.levels - 1);
      args.table.values = e.values.data() + h * e.levels;
      args.table.levels = static_cast<int>(e.levels);
      args.table.groups = static_cast<int>(e.groups);
      if (e.groups > 0) {
        args.table.group_bounds = e.row_groups.data();
        args.table.group_offsets = e.row_groups.data() + e.groups;
        args.table.group_divisors = e.row_groups.data() + 2 * e.groups;
      }
    }
    const kernels::SoftmaxSums sums = kernels::kernel_table(Isa::scalar).softmax->run(args);
    std::vector<int> values;
    std::uint32_t total = 0;
    for (std::size_t c = 0; c < kColumns; ++c) {
      values.push_back(bytes[c] + (e.planes == 2 ? 256 * bytes[kPadded + c] : 0));
      total += static_cast<std::uint32_t>(values.back());
    }
    CHECK(total == sums.values);
    ++m.rows;
    if (scheme.codes == SoftmaxCodes::exponential) {
      CHECK(sums.divisor == sums.values);
      bool same = true;
      for (std::size_t c = 0; c < kColumns; ++c) {
        const double code = 255 * std::exp2(std::log2(sum) - logs[c]);
        ++m.values;
        if (values[c] == std::round(code)) continue;
        same = false;
        ++m.exceptions;
        m.worst = std::max(
            m.worst,
            std::abs(std::log2((std::floor(std::max<double>(values[c], std::round(code))) - 0.5) / code)) * 256);
        CHECK(std::abs(values[c] - code) < 1);
      }
      if (!same) continue;
      ++m.equal_rows;
      for (std::size_t c = 0; c < kColumns; ++c) {
        m.worst_divisor =
            std::max(m.worst_divisor, std::abs(values[c] / static_cast<double>(sums.divisor) - probabilities[c]));
      }
      continue;
    }
    const TableScheme& table = scheme.tables[scheme.tables.size() == 1 ? 0 : static_cast<std::size_t>(head)];
    // What probabilities are divided by before they meet the table; for groups, the one that the kernel chose.
    double bound = 1;
    if (scheme.codes == SoftmaxCodes::absolute) {
      const int nearest = nearest_bound(scheme.bounds, *std::max_element(exact.begin(), exact.end()));
      bound = scheme.bounds[static_cast<std::size_t>(nearest)];
      const auto divisor_of = [&](double b) { return std::lround(std::clamp(one / b, 1.0, 8388607.0)); };
      if (std::lround(sums.divisor) != divisor_of(bound)) {
        // The neighbouring group: within 1/256 octave of the border, half for L, half for the border itself.
        bool explained = false;
        for (const int other : {nearest - 1, nearest + 1}) {
          if (other < 0 || other >= static_cast<int>(scheme.bounds.size())) continue;
          const double b = scheme.bounds[static_cast<std::size_t>(other)];
          const double border = -std::log2(std::sqrt(b * bound));
          if (std::lround(sums.divisor) == divisor_of(b) && std::abs(std::log2(sum) - border) <= 1.05 / 256) {
            explained = true;
            bound = b;
            break;
          }
        }
        CHECK(explained);
      } else {
        m.worst_divisor = std::max(m.worst_divisor, std::abs(sums.divisor * bound / one - 1));
      }
    }
    bool same = true;
    for (std::size_t c = 0; c < kColumns; ++c) {
      const double base = scheme.codes == SoftmaxCodes::relative ? std::log2(sum) : -std::log2(bound);
      const double ratio = std::exp2(base - logs[c]);
      const auto rounded = [&](double x) { return static_cast<int>(std::lround(value_of(x, table) * one)); };
      ++m.values;
      if (values[c] == rounded(ratio)) continue;
      same = false;
      ++m.exceptions;
      // The nearest threshold on whose other side the value would be right.
      double nearest = 1e9;
      const std::size_t code = code_of(ratio, table);
      for (std::size_t other = 0; other < table.levels.size(); ++other) {
        if (other == code || std::lround(table.levels[other] * one) != values[c]) continue;
        const double threshold = table.thresholds[other < code ? other : other - 1];
        nearest = std::min(nearest, std::abs(std::log2(ratio / threshold)) * 256);
      }
      m.worst = std::max(m.worst, nearest);
    }
    if (!same || scheme.codes == SoftmaxCodes::absolute) continue;
    ++m.equal_rows;
    CHECK(sums.divisor == sums.values);
    for (std::size_t c = 0; c < kColumns; ++c) {
      m.worst_divisor =
          std::max(m.worst_divisor, std::abs(values[c] / static_cast<double>(sums.divisor) - probabilities[c]));
    }
  }
  return m;
}

}  // namespace

TEST_CASE("softmax encodings are simulate() but for probabilities within 1/256 octave of a threshold") {
  // Half of 1/256 octave for the rounding of a threshold (distances are cut off, which is no more than that), half for
  // that of the largest probability, half for that of a group's bound; and 1/10 for the scale of 16 bits.
  std::map<std::string, double> worst;
  const auto report = [&](const SoftmaxMargins& m, const std::string& what, double limit, double most = 0.04) {
    CAPTURE(what);
    CHECK(m.worst <= limit);
    CHECK(static_cast<double>(m.exceptions) <= most * static_cast<double>(m.values));
    worst[what] = std::max(worst[what], m.worst);
  };
  const SoftmaxMargins exponential = softmax_margins({}, 1, 1);
  report(exponential, "exponential", 1.0);
  CHECK(exponential.equal_rows > 0);
  CHECK(exponential.worst_divisor < 1e-6);
  for (const int value_bits : {8, 12}) {
    for (const int bits : {3, 4, 6, 8}) {
      CAPTURE(value_bits);
      CAPTURE(bits);
      SoftmaxScheme scheme;
      scheme.bits = bits;
      scheme.value_bits = value_bits;
      scheme.tables = {logarithmic_table(LogarithmBase::square_root_of_two, 1, bits), tan_table({1.4, 1.1}, bits),
                       two_scaled_probabilities(3, bits)};
      scheme.codes = SoftmaxCodes::relative;
      const SoftmaxMargins relative = softmax_margins(scheme, 3, 2);
      report(relative, "relative", 0.6);
      CHECK(relative.equal_rows > 0);
      CHECK(relative.worst_divisor < 1e-6);
      scheme.codes = SoftmaxCodes::absolute;
      const SoftmaxMargins absolute = softmax_margins(scheme, 3, 3);
      report(absolute, "absolute", 1.05);
      CHECK(absolute.worst_divisor == 0);
      scheme.tables = {tan_table({1.2, 0.4}, bits)};
      scheme.bounds = {0.011, 0.03, 0.09, 0.35, 1};
      const SoftmaxMargins grouped = softmax_margins(scheme, 2, 4);
      report(grouped, "five groups", 1.55, 0.08);
      CHECK(grouped.worst_divisor < 0.5 * scheme.bounds.back() / ((1 << value_bits) - 1));
    }
  }
  for (const auto& [what, distance] : worst) MESSAGE(what << ": at most " << distance << " / 256 octave");
}

namespace {

// ---- networks

// The plan's network in floats: weights as their integers hold them.
FloatNetwork with_integer_weights(const FloatNetwork& network, const Plan& plan) {
  FloatNetwork result = network;
  REQUIRE(equalise(plan.equalisations, result).ok());
  const auto held = [&](const FloatLinear& layer, Layer which, int block) {
    return dequantized(layer, quantize_weights(layer, plan.weights.at(layer_name(which, block)),
                                               std::vector<double>(static_cast<std::size_t>(layer.out), 0.0)));
  };
  result.patch_embed = held(result.patch_embed, Layer::patch_embed, -1);
  for (int b = 0; b < network.description.depth; ++b) {
    FloatBlock& block = result.blocks[static_cast<std::size_t>(b)];
    block.qkv = held(block.qkv, Layer::qkv, b);
    block.proj = held(block.proj, Layer::proj, b);
    block.fc1 = held(block.fc1, Layer::fc1, b);
    block.fc2 = held(block.fc2, Layer::fc2, b);
  }
  result.head = held(result.head, Layer::head, -1);
  return result;
}

// The simulation with every value shaken by up to 1/16 of a code before it becomes one: what rounding on the way does.
class ShakenSimulator : public Observer {
 public:
  ShakenSimulator(const VitDescription& vit, const Plan& plan, unsigned seed)
      : plan_(plan), exact_(vit, plan, 1), random_(seed) {}
  void on_activation(Site site, int block, float* data, int rows, int cols) override {
    const std::string name = site_name(site, block);
    std::uniform_real_distribution<float> shake(-1.0f / 16, 1.0f / 16);
    const auto found = plan_.activations.find(name);
    if (site == Site::post_softmax) {
      for (int i = 0; i < rows * cols; ++i) data[i] *= std::exp2(shake(random_) / 8);
    } else if (found != plan_.activations.end()) {
      const int parts = static_cast<int>(found->second.size()), part_cols = cols / parts;
      for (int i = 0; i < rows * cols; ++i) {
        const ActivationScheme& scheme = found->second[static_cast<std::size_t>(i % cols / part_cols)];
        const double code = (scheme.grid.highest() - scheme.grid.lowest()) / ((1 << scheme.bits) - 1);
        data[i] += static_cast<float>(code) * shake(random_);
      }
    } else if (const auto residual = plan_.residuals.find(name); residual != plan_.residuals.end()) {
      for (int i = 0; i < rows * cols; ++i) data[i] += static_cast<float>(residual->second.step) * shake(random_);
    }
    exact_.on_activation(site, block, data, rows, cols);
  }

 private:
  const Plan& plan_;
  PlanSimulator exact_;
  std::mt19937 random_;
};

struct NetworkMargins {
  double float_db = 0;   // the simulation against float
  double db = 0;         // the integers against the simulation
  double shaken_db = 0;  // the simulation shaken against itself
  int different = 0;     // pictures with another most likely class
  int shaken_different = 0;
};

NetworkMargins network_margins(const FloatNetwork& network, const Conversion& conversion, int pictures_count) {
  const VitDescription& vit = network.description;
  const FloatNetwork integer_weights = with_integer_weights(network, conversion.plan);
  const auto model = Model::from_memory(conversion.file, "test");
  REQUIRE(model.ok());
  auto session = Session::create(model.value(), {});
  REQUIRE(session.ok());
  SyntheticPictures pictures(pictures_count, vit.preprocessing.height, vit.preprocessing.width, 77);
  std::vector<std::uint8_t> pixels(static_cast<std::size_t>(vit.preprocessing.height * vit.preprocessing.width * 3));
  const auto classes = static_cast<std::size_t>(vit.num_classes);
  double signal = 0, simulation_error = 0, error = 0, shaken_error = 0;
  NetworkMargins m;
  for (int i = 0; i < pictures_count; ++i) {
    REQUIRE(pictures.read(i, pixels.data()).ok());
    std::vector<float> exact(classes), simulated(classes), shaken(classes);
    FloatForward(network, 1).run(pixels.data(), exact.data());
    PlanSimulator simulator(vit, conversion.plan, 1);
    FloatForward(integer_weights, 1).run(pixels.data(), simulated.data(), &simulator);
    ShakenSimulator shaker(vit, conversion.plan, static_cast<unsigned>(i));
    FloatForward(integer_weights, 1).run(pixels.data(), shaken.data(), &shaker);
    std::copy(pixels.begin(), pixels.end(), session.value()->picture(0));
    session.value()->run();
    const auto logits = session.value()->logits(0);
    for (std::size_t c = 0; c < classes; ++c) {
      const double got = std::ldexp(logits[c], -16);
      signal += static_cast<double>(exact[c]) * exact[c];
      simulation_error += std::pow(static_cast<double>(simulated[c]) - exact[c], 2);
      error += std::pow(got - simulated[c], 2);
      shaken_error += std::pow(static_cast<double>(shaken[c]) - simulated[c], 2);
    }
    const auto likely = std::max_element(simulated.begin(), simulated.end()) - simulated.begin();
    m.shaken_different += std::max_element(shaken.begin(), shaken.end()) - shaken.begin() != likely;
    m.different += std::max_element(logits.begin(), logits.end()) - logits.begin() != likely;
  }
  m.float_db = 10 * std::log10(signal / simulation_error);
  m.db = 10 * std::log10(signal / error);
  m.shaken_db = 10 * std::log10(signal / shaken_error);
  return m;
}

}  // namespace

// A value within a tiny distance of a threshold becomes another code, which moves everything behind it: 4 and 6 bits
// amplify any rounding on the way. So the measure is what the simulation itself does when it is shaken a little.
TEST_CASE("whole networks of integers are as near to their simulation as a slightly shaken simulation is") {
  int different = 0, shaken_different = 0;
  const FloatNetwork network = random_network(small_vit(), 21);
  for (const std::string method : {"percentile", "dopq", "igq", "adfq", "tsptq", "auto"}) {
    for (const int bits : {4, 6}) {
      CAPTURE(method);
      CAPTURE(bits);
      SyntheticPictures pictures(8, 32, 32, 5);
      ConvertOptions options{
          .method = method, .weight_bits = bits, .activation_bits = bits, .feedback = false, .plan = {}};
      const Result<Conversion> conversion = convert(network, pictures, options, kSilent);
      REQUIRE_MESSAGE(conversion.ok(), conversion.status().message());
      const NetworkMargins m = network_margins(network, conversion.value(), 24);
      MESSAGE(std::string(method) << " " << bits << " bits: simulation " << m.float_db << " dB, integers " << m.db
                                  << " dB, shaken simulation " << m.shaken_db << " dB, other classes " << m.different
                                  << " and " << m.shaken_different << " of 24");
      CHECK(m.db > m.float_db + 1);
      CHECK(m.db > m.shaken_db - 1);
      different += m.different;
      shaken_different += m.shaken_different;
    }
  }
  MESSAGE("other classes: " << different << ", shaken " << shaken_different << " of 288");
  CHECK(different <= shaken_different + 4);
}

namespace {

// ---- sums of 32 bits

constexpr int kInputs = 3072, kHighest = 4095;
// 240 is the largest weight of four bits: so many of them and no more, times 4095, fit.
constexpr int kMostWeights = INT32_MAX / (240 * kHighest);

// fc2 of one column with `count` weights of +240 or -240, the others 0.
QuantizedWeights extreme_weights(int count, bool negative) {
  QuantizedWeights w;
  w.bits = 4;
  w.n = 1;
  w.k = kInputs;
  w.zero_points = {static_cast<std::uint8_t>(negative ? 15 : 0)};
  w.scales = {1e-5};
  w.bias_correction = {0};
  for (int i = 0; i < kInputs; ++i) w.codes.push_back(static_cast<std::int16_t>((i < count) != negative ? 15 : 0));
  return w;
}

}  // namespace

TEST_CASE("sums of 32 bits: the worst that is accepted is computed right, one weight more is refused") {
  const FloatLinear layer{1, kInputs, std::vector<float>(kInputs, 0), {0}};
  for (const bool negative : {false, true}) {
    for (const int zero_point : {0, 1000}) {
      for (const int count : {1, kMostWeights, kMostWeights + 1, kInputs}) {
        CAPTURE(negative);
        CAPTURE(zero_point);
        CAPTURE(count);
        ProgramBuilder builder;
        Plan plan;
        Status error;
        LinearLowering lowering(builder, plan, {{"fc2", extreme_weights(count, negative)}}, error);
        const double in_scale = 1e-3, unit = in_scale * 1e-5 * INT32_MAX / 30000.0;
        const LinearInput in{in_scale, zero_point, kInputs, contiguous(kInputs), kHighest};
        LinearOutput out{[&](int) { return unit; }};
        out.precision = MultiplierPrecision::sixteen;
        const LinearConstants constants = lowering.requantized(layer, "fc2", in, out);
        CHECK(error.ok() == (count <= kMostWeights));
        if (!error.ok()) {
          CHECK(error.code() == Code::unsupported);
          CHECK(error.message().find("'fc2' needs sums of more than 32 bits") != std::string::npos);
          continue;
        }
        // All inputs at their end: no sum can be larger, and it must not wrap.
        std::vector<std::uint8_t> row(2 * kInputs, 255);
        std::fill(row.begin() + kInputs, row.end(), std::uint8_t{15});
        const Program& program = builder.program();
        std::vector<Line> scratch = scratch_of(kernels::linear_scratch_bytes(kInputs));
        std::vector<std::int16_t> result(static_cast<std::size_t>(kernels::padded_columns(1)));
        kernels::LinearArgs args{};
        args.src = row.data();
        args.src_stride = 2 * kInputs;
        args.plane_stride = kInputs;
        args.rows = 1;
        args.weights = {program.constants[constants.tiles].as<std::uint8_t>(),
                        program.constants[constants.zero_points].as<std::uint8_t>(), static_cast<int>(constants.bits),
                        1, kInputs};
        args.requantizer.bias = program.constants[constants.bias].as<std::int32_t>();
        args.requantizer.shift = program.constants[constants.shift].as<std::uint8_t>();
        args.requantizer.multiplier = program.constants[constants.multiplier].as<std::int16_t>();
        args.epilogue = kernels::Epilogue::values;
        args.dst = result.data();
        args.dst_stride = kernels::padded_columns(1);
        args.scratch = scratch.data();
        const double exact = (negative ? -240.0 : 240.0) * count * (kHighest - zero_point) * in_scale * 1e-5 / unit;
        for (const Isa isa : available_isas()) {
          kernels::kernel_table(isa).linear->run(args);
          CHECK(std::abs(result[0] - exact) <= 1.5);
        }
      }
    }
  }
}

TEST_CASE("sums of 32 bits: a network whose second layer's sums may be larger is refused with a reason") {
  VitDescription vit = small_vit();
  vit.depth = 1;
  vit.mlp_dim = kInputs;
  FloatNetwork network = random_network(vit, 31);
  SyntheticPictures pictures(2, 32, 32, 5);
  ConvertOptions options{
      .weight_bits = 4, .activation_bits = 4, .feedback = false, .equalise_heads = false, .plan = {}};
  const Result<Conversion> conversion = convert(network, pictures, options, kSilent);
  REQUIRE(conversion.ok());
  Plan plan = conversion.value().plan;
  plan.activations[site_name(Site::fc2_input, 0)] = {table_scheme(two_scaled_activations(4, 3, 4), 4, 12)};
  plan.weights[layer_name(Layer::fc2, 0)] = {4, WeightRange::max};
  FloatLinear& fc2 = network.blocks[0].fc2;
  fc2.bias[0] = 0;
  for (const int count : {kMostWeights, kMostWeights + 1}) {
    for (int i = 0; i < kInputs; ++i) fc2.weight[static_cast<std::size_t>(i)] = i < count ? 0.01f : 0;
    const Result<LoweredModel> lowered = lower(network, plan);
    CHECK_MESSAGE(lowered.ok() == (count == kMostWeights), lowered.status().message());
    if (lowered.ok()) continue;
    CHECK(lowered.status().code() == Code::unsupported);
    CHECK(lowered.status().message().find("'blocks.0.mlp.fc2' needs sums of more than 32 bits") != std::string::npos);
  }
}

TEST_CASE("awkward networks convert with every method at 4 bits") {
  VitDescription vit = small_vit();
  const auto c = static_cast<std::size_t>(vit.embed_dim);
  for (int variant = 0; variant < 5; ++variant) {
    FloatNetwork network = random_network(vit, 41);
    FloatBlock& block = network.blocks[0];
    if (variant == 0) {  // dead LayerNorm channels, with a constant and with nothing
      for (const std::size_t i : {std::size_t{0}, std::size_t{7}, c - 1})
        block.norm1.gamma[i] = block.norm2.gamma[i] = 0;
      block.norm1.beta[0] = block.norm2.beta[7] = network.norm.gamma[3] = 0;
    } else if (variant == 1) {  // constant channels: in the values, in the hidden layer, in the stream
      for (const std::size_t o : {2 * c + 1, 2 * c + 20}) {
        std::fill_n(block.qkv.weight.begin() + static_cast<std::ptrdiff_t>(o * c), c, 0.0f);
      }
      std::fill_n(block.fc1.weight.begin(), 5 * c, 0.0f);
      block.fc1.bias[0] = 3;
      std::fill_n(block.proj.weight.begin(), c, 0.0f);
      std::fill_n(network.patch_embed.weight.begin(), network.patch_embed.in, 0.0f);
    } else if (variant == 2) {  // weights of one sign
      for (FloatLinear* layer : {&block.qkv, &block.fc2, &network.patch_embed}) {
        for (float& w : layer->weight) w = std::abs(w);
      }
      for (float& w : block.fc1.weight) w = -std::abs(w);
    } else if (variant == 3) {  // an attention that is given nothing and has its bias only
      std::fill(block.norm1.gamma.begin(), block.norm1.gamma.end(), 0.0f);
      std::fill(block.norm1.beta.begin(), block.norm1.beta.end(), 0.0f);
    } else {  // heads that attend to one token, and one whose attention is the same everywhere
      const auto d = static_cast<std::size_t>(vit.head_dim());
      for (std::size_t i = 0; i < 2 * c * c; ++i) block.qkv.weight[i] *= i / c % c < d ? 0.0f : 15.0f;
    }
    for (const Method& method : methods()) {
      CAPTURE(variant);
      CAPTURE(method.name);
      SyntheticPictures pictures(4, 32, 32, 6);
      const ConvertOptions options{
          .method = std::string(method.name), .weight_bits = 4, .activation_bits = 4, .plan = {}};
      const Result<Conversion> conversion = convert(network, pictures, options, kSilent);
      // RepQ's channel-wise scales of nothing at all make products that are coarser than the codes behind them.
      const bool refusable = variant == 3 && method.name == "repq";
      if (refusable && !conversion.ok()) CHECK(conversion.status().code() == Code::unsupported);
      CHECK_MESSAGE((conversion.ok() || refusable), conversion.status().message());
      if (!conversion.ok()) continue;
      // JSON has no other way to write NaN and infinity.
      const std::string json = plan_to_json(conversion.value().plan);
      for (const char* bad : {"null", "nan", "inf"}) CHECK(json.find(bad) == std::string::npos);
      CHECK(std::isfinite(conversion.value().verification.logit_sqnr_db));
      CHECK(conversion.value().verification.logit_sqnr_db > 0);
      for (const SiteError& error : conversion.value().site_errors) CHECK_FALSE(std::isnan(error.sqnr_db));
    }
  }
}
