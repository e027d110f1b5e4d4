#include "tests/engine/tiny_encode.h"

#include <algorithm>
#include <bit>

#include "kernels/encode/encode_law.h"
#include "tests/engine/tiny_scale.h"

namespace intvit::test {
namespace {

// Farthest that a range reaches, in sigmas of the values.
constexpr double kReach = 3;

std::vector<std::int16_t> sorted_numbers(std::uint32_t count, double low, double high, Random& random) {
  std::vector<std::int16_t> numbers;
  for (std::uint32_t i = 0; i < count; ++i) numbers.push_back(static_cast<std::int16_t>(random.real(low, high)));
  std::sort(numbers.begin(), numbers.end());
  return numbers;
}

struct Range {
  std::int16_t lowest, highest;
};

// [4][ranges]: an even quantizer for each range.
std::vector<std::int16_t> codes_for(const std::vector<Range>& ranges, const EncodeOp& op) {
  std::vector<std::int16_t> multiplier, power, zero, step;
  for (const Range& range : ranges) {
    const kernels::AffineCode code =
        kernels::affine_code_for_range(range.lowest, range.highest, static_cast<int>(op.max_code),
                                       static_cast<int>(op.step_shift), static_cast<int>(op.fine_bits));
    multiplier.push_back(code.multiplier);
    power.push_back(code.power);
    zero.push_back(code.zero);
    step.push_back(code.step);
  }
  for (const auto* more : {&power, &zero, &step}) multiplier.insert(multiplier.end(), more->begin(), more->end());
  return multiplier;
}

}  // namespace

EncodeOp tiny_encode(TinyProgram& tiny, const std::string& name, const TinyEncoding& encoding, std::uint32_t rows,
                     Random& random) {
  const TinyScale grid = grid_scale(encoding);
  const double sigma = values_scale(encoding).sigma();
  EncodeOp op;
  op.kind = encoding.kind;
  op.planes = encoding.planes;
  op.max_code = encoding.max_code;
  op.fine_bits = fine_bits(encoding);
  op.grid_zero = static_cast<std::uint32_t>(grid.centre());
  op.grid_max = 2 * op.grid_zero - 1;
  // Steps of the grid between two codes of the longest range are below 2^step_shift.
  op.step_shift = static_cast<std::uint32_t>(
      std::bit_width(static_cast<std::uint32_t>(2 * kReach * grid.sigma() / encoding.max_code)));
  if (encoding.aside != 0) op.grid_max = static_cast<std::uint32_t>(grid.centre() + 0.9 * grid.sigma());
  if (encoding.kind == EncodeKind::uniform) return op;
  if (encoding.kind == EncodeKind::table || encoding.kind == EncodeKind::table_with_outliers) {
    if (encoding.kind == EncodeKind::table_with_outliers) op.outlier = static_cast<std::uint32_t>(sigma);
    op.levels = encoding.max_code + 1;
    op.thresholds =
        tiny.add(name + ".thresholds", DataType::s16, sorted_numbers(op.levels - 1, -2 * sigma, 2 * sigma, random));
    op.values = tiny.add(name + ".values", DataType::s16, sorted_numbers(op.levels, 0, op.grid_max, random));
    return op;
  }
  op.outlier = static_cast<std::uint32_t>((encoding.aside != 0 ? 1 : 2.5) * sigma);
  if (encoding.kind == EncodeKind::dynamic_rows) return op;
  const bool tokens = encoding.kind == EncodeKind::rows;
  std::vector<Range> ranges(tokens ? rows : encoding.groups);
  for (Range& range : ranges) {
    range = {static_cast<std::int16_t>(-random.real(0.5, kReach) * sigma),
             static_cast<std::int16_t>(random.real(0.5, kReach) * sigma)};
  }
  std::vector<std::int16_t> numbers;
  if (!tokens) {
    op.groups = encoding.groups;
    for (const Range& range : ranges) numbers.push_back(range.lowest);
    for (const Range& range : ranges) numbers.push_back(range.highest);
  }
  const std::vector<std::int16_t> codes = codes_for(ranges, op);
  numbers.insert(numbers.end(), codes.begin(), codes.end());
  op.codes = tiny.add(name + ".codes", DataType::s16, numbers);
  return op;
}

}  // namespace intvit::test
