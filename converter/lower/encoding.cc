#include "converter/lower/encoding.h"

#include <algorithm>
#include <cmath>

#include "converter/lower/fixed_point.h"
#include "kernels/softmax/softmax.h"

namespace intvit {
namespace {

double largest_magnitude(const std::vector<double>& values) {
  double largest = 0;
  for (const double value : values) largest = std::max(largest, std::abs(value));
  return largest;
}

// multiplier * power / 2^30 = 1 / step, the multiplier normalised: kernels/encode/encode.h.
struct Reciprocal {
  std::int16_t multiplier, power;
};

Reciprocal reciprocal(double step) {
  int exponent;
  const double fraction = std::frexp(1 / step, &exponent);  // 1 / step = fraction * 2^exponent, fraction in [0.5, 1)
  return {to_s16(std::ldexp(fraction, 15)), to_s16(std::ldexp(1.0, std::max(15 + exponent, 0)))};
}

// Columns of a [4][count] array: multiplier, power, zero, step. Codes are at least two units apart, as their reciprocal
// wants it: a part that is finer, which is next to nothing beside the grid, counts in coarser steps and reaches
// further.
void append_parts(const ActivationScheme& scheme, const FineUnit& unit, int step_shift,
                  std::vector<std::int16_t>& out) {
  for (int which = 0; which < 4; ++which) {
    for (const UniformScheme& part : scheme.parts) {
      const double scale = std::max(part.scale, 2.001 * unit.unit);
      const Reciprocal r = reciprocal(scale / unit.unit);
      const double step = std::ldexp(scale / scheme.grid.scale, 15 - step_shift);
      out.push_back(which == 0   ? r.multiplier
                    : which == 1 ? r.power
                    : which == 2 ? static_cast<std::int16_t>(part.zero_point)
                                 : to_s16(step));
    }
  }
}

}  // namespace

bool uses_grid(const ActivationScheme& scheme) { return scheme.kind != CodeKind::table || scheme.outlier > 0; }

ActivationScheme as_table(const UniformScheme& scheme) {
  ActivationScheme table{CodeKind::table, scheme.bits, scheme};
  for (int code = 0; code <= scheme.highest_code(); ++code) {
    table.table.levels.push_back(scheme.value(code));
    if (code > 0) table.table.thresholds.push_back(scheme.value(code - 0.5));
  }
  return table;
}

Result<FineUnit> fine_unit(const ActivationScheme& scheme, double least_unit) {
  if (!uses_grid(scheme)) {
    // Beyond the outermost thresholds nothing changes, so saturation is harmless there. Larger tables are searched by
    // looking up the value itself, which wants fewer different ones.
    const double range = std::max(largest_magnitude(scheme.table.thresholds), 1e-9);
    return FineUnit{std::max(range / (scheme.bits <= 5 ? 16000 : 8000), least_unit), 1};
  }
  double farthest = std::max(scheme.grid.zero_point, scheme.grid.highest_code() - scheme.grid.zero_point);
  if (scheme.side > 0) {
    const double reach =
        scheme.reach > 0 ? scheme.reach / scheme.grid.scale : kDefaultReach * scheme.grid.highest_code();
    farthest = std::clamp(reach, farthest, std::ldexp(kLargestS16, -1));  // what is beyond that stays there
  }
  int fine_bits = 5;
  while (fine_bits > 1 &&
         (std::ldexp(farthest, fine_bits) > kLargestS16 || std::ldexp(scheme.grid.scale, -fine_bits) < least_unit)) {
    --fine_bits;
  }
  const double unit = std::ldexp(scheme.grid.scale, -fine_bits);
  if (unit < least_unit || std::ldexp(farthest, fine_bits) > kLargestS16) {
    return Status(Code::unsupported, "a grid that is too fine for 16-bit values");
  }
  return FineUnit{unit, fine_bits};
}

Result<Encoding> make_encoding(const ActivationScheme& scheme, const FineUnit& unit) {
  Encoding e;
  const UniformScheme& grid = scheme.grid;
  e.op.planes = grid.bits > 8 ? 2 : 1;
  e.op.max_code = static_cast<std::uint32_t>((1 << scheme.bits) - 1);
  e.op.fine_bits = static_cast<std::uint32_t>(unit.fine_bits);
  e.op.grid_zero = static_cast<std::uint32_t>(grid.zero_point);
  e.op.grid_max = static_cast<std::uint32_t>(grid.highest_code());
  if (scheme.outlier > 0) {
    e.op.outlier = static_cast<std::uint32_t>(std::clamp(std::round(scheme.outlier / unit.unit), 0.0, kLargestS16));
  }
  if (scheme.kind == CodeKind::table) {
    e.op.kind = scheme.outlier > 0 ? kernels::EncodeKind::table_with_outliers : kernels::EncodeKind::table;
    e.op.levels = static_cast<std::uint32_t>(scheme.table.levels.size());
    // Values are rounded before they are compared, so the border is half a unit below the integer that it becomes.
    for (const double threshold : scheme.table.thresholds) {
      e.thresholds.push_back(to_s16(std::ceil(threshold / unit.unit)));
    }
    for (const double level : scheme.table.levels) {
      const double value = std::nearbyint(level / grid.scale) + grid.zero_point;
      e.values.push_back(static_cast<std::int16_t>(std::clamp<double>(value, 0, grid.highest_code())));
    }
    return e;
  }
  e.side = scheme.side;
  if (scheme.kind == CodeKind::uniform) {
    e.op.kind = kernels::EncodeKind::uniform;
    return e;
  }
  // The finest step that the longest part allows: (code - zero) * 2^step_shift and the step must both fit 16 bits.
  double longest = static_cast<double>(grid.highest_code()) / e.op.max_code;
  if (scheme.kind != CodeKind::dynamic_token) {
    longest = 0;
    for (const UniformScheme& part : scheme.parts) longest = std::max(longest, part.scale / grid.scale);
  }
  while (e.op.step_shift < 14 && std::ldexp(longest, 15 - static_cast<int>(e.op.step_shift)) > kLargestS16)
    ++e.op.step_shift;
  if (std::ldexp(longest, 15 - static_cast<int>(e.op.step_shift)) > kLargestS16 ||
      e.op.max_code << e.op.step_shift > 32767) {
    return Status(Code::unsupported, "codes whose steps are too coarse for their grid");
  }
  const auto step_shift = static_cast<int>(e.op.step_shift);
  if (scheme.kind == CodeKind::dynamic_token) {
    e.op.kind = kernels::EncodeKind::dynamic_rows;
  } else if (scheme.kind == CodeKind::token) {
    e.op.kind = kernels::EncodeKind::rows;
    append_parts(scheme, unit, step_shift, e.codes);
  } else {
    e.op.kind = kernels::EncodeKind::columns;
    e.op.groups = static_cast<std::uint32_t>(scheme.parts.size());
    for (const UniformScheme& part : scheme.parts) e.codes.push_back(to_s16(part.lowest() / unit.unit));
    for (const UniformScheme& part : scheme.parts) e.codes.push_back(to_s16(part.highest() / unit.unit));
    append_parts(scheme, unit, step_shift, e.codes);
  }
  return e;
}

SoftmaxEncoding make_softmax_encoding(const SoftmaxScheme& scheme, int heads) {
  SoftmaxEncoding e;
  if (scheme.codes == SoftmaxKind::exponential) return e;
  const auto distance = [](double probability) {
    return probability > 0 ? -std::log2(probability) * (1 << kernels::kSoftmaxTableFractionBits) : 1e9;
  };
  const double one = (1 << scheme.value_bits) - 1;
  e.kind = scheme.codes;
  e.planes = scheme.value_bits > 8 ? 2 : 1;
  // Distances ascend where probabilities descend. Heads with fewer levels than others repeat their last one.
  for (const TableScheme& table : scheme.tables) {
    e.levels = std::max(e.levels, static_cast<std::uint32_t>(table.levels.size()));
  }
  for (int h = 0; h < heads; ++h) {
    const TableScheme& table = scheme.tables[scheme.tables.size() == 1 ? 0 : static_cast<std::size_t>(h)];
    for (std::uint32_t k = 0; k < e.levels; ++k) {
      const std::size_t n = table.levels.size(), from_top = std::min<std::size_t>(k, n - 1);
      e.values.push_back(static_cast<std::int16_t>(std::round(table.levels[n - 1 - from_top] * one)));
      if (k + 1 == e.levels) break;
      const double limit = kernels::kMaxSoftmaxDistance + 1;
      const double threshold = k + 1 < n ? distance(table.thresholds[n - 2 - k]) : limit;
      e.thresholds.push_back(static_cast<std::int16_t>(std::clamp(std::round(threshold), 0.0, limit)));
    }
  }
  if (scheme.codes != SoftmaxKind::absolute) return e;
  const std::size_t groups = scheme.bounds.size();
  e.groups = static_cast<std::uint32_t>(groups);
  const auto bound = [&](std::size_t g) { return scheme.bounds[groups - 1 - g]; };  // descending
  const auto append = [&](double value) { e.row_groups.push_back(static_cast<std::int32_t>(std::lround(value))); };
  for (std::size_t g = 0; g < groups; ++g) {
    append(g + 1 < groups ? distance(std::sqrt(bound(g) * bound(g + 1))) : kernels::kMaxSoftmaxDistance);
  }
  for (std::size_t g = 0; g < groups; ++g) append(distance(bound(g)));
  for (std::size_t g = 0; g < groups; ++g) append(std::clamp(one / bound(g), 1.0, 8388607.0));
  return e;
}

}  // namespace intvit
