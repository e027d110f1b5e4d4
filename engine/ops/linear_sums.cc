#include "engine/ops/linear_sums.h"

#include <algorithm>
#include <array>
#include <map>
#include <utility>
#include <vector>

namespace intvit {
namespace {

// Weights that are checked with more biases and zero points than these would make a small file take long to read.
constexpr std::size_t kMostPairs = 16;

struct ColumnSums {
  std::int64_t negative, positive;  // of its weights
};

// Of a matrix: its columns' sums, and what has been proven of them.
struct WeightSums {
  std::uint32_t n, k;
  std::vector<ColumnSums> of_eight_bits;                // [n]
  std::vector<std::array<std::uint32_t, 16>> of_fewer;  // [n]: how many weights have each number
  // By bias and zero points: the highest value with which all sums fit.
  std::map<std::pair<ConstantId, ConstantId>, std::int64_t> fitting;
};

WeightSums weight_sums(const LinearConstants& l, const Constant& tiles) {
  WeightSums sums{l.n, l.k, {}, {}, {}};
  const auto depth = static_cast<int>(l.k), bits = static_cast<int>(l.bits);
  if (bits == 8) sums.of_eight_bits.resize(l.n);
  if (bits != 8) sums.of_fewer.resize(l.n);
  for (std::uint32_t c = 0; c < l.n; ++c) {
    for (int k = 0; k < depth; ++k) {
      const auto column = static_cast<int>(c);
      if (bits == 8) {
        const std::int64_t weight = tiles.as<std::int8_t>()[kernels::tile_offset(column, k, depth)];
        (weight < 0 ? sums.of_eight_bits[c].negative : sums.of_eight_bits[c].positive) += weight;
      } else {
        ++sums.of_fewer[c][static_cast<std::size_t>(
            kernels::stored_number(tiles.as<std::uint8_t>(), bits, column, k, depth))];
      }
    }
  }
  return sums;
}

ColumnSums sums_of(const WeightSums& weights, std::uint32_t column, const std::uint8_t* zero_points) {
  if (zero_points == nullptr) return weights.of_eight_bits[column];
  ColumnSums sums{0, 0};
  for (std::size_t number = 0; number < 16; ++number) {
    const std::int64_t weight =
        (static_cast<std::int64_t>(number) - zero_points[column]) * (1 << kernels::kNibbleShift);
    (weight < 0 ? sums.negative : sums.positive) += weight * weights.of_fewer[column][number];
  }
  return sums;
}

// The highest value with which no sum, with the bias or without, leaves 32 bits; below 0: there is none.
std::int64_t highest_fitting(const WeightSums& weights, const std::uint8_t* zero_points, const std::int32_t* bias) {
  std::int64_t highest = UINT16_MAX;
  for (std::uint32_t c = 0; c < weights.n; ++c) {
    const ColumnSums sums = sums_of(weights, c, zero_points);
    const std::int64_t above = INT32_MAX - std::max(std::int64_t{bias[c]}, std::int64_t{0});
    const std::int64_t below = std::min(std::int64_t{bias[c]}, std::int64_t{0}) - INT32_MIN;
    if (sums.positive > 0) highest = std::min(highest, above / sums.positive);
    if (sums.negative < 0) highest = std::min(highest, below / -sums.negative);
  }
  return highest;
}

}  // namespace

void check_linear_sums(Checker& c, const LinearConstants& l, std::uint32_t inputs, std::uint32_t highest) {
  if (!c.ok()) return;
  const Constant& bias = c.tensors().constants[l.bias];
  const std::int64_t most = kernels::max_sum(static_cast<int>(l.bits), inputs, highest, 0);
  if (most + c.magnitude<std::int32_t>(bias) <= INT32_MAX) return;

  const Constant& tiles = c.tensors().constants[l.tiles];
  auto& weights = c.facts().of<WeightSums>(tiles, [&] { return weight_sums(l, tiles); });
  const ConstantId zero_points = l.has_zero_points() ? l.zero_points : kNone;
  const auto [found, is_new] = weights.fitting.try_emplace({l.bias, zero_points}, 0);
  c.require(weights.n == l.n && weights.k == l.k && weights.fitting.size() <= kMostPairs,
            [&] { return "weights '" + tiles.name + "' are read in another shape or with too many biases"; });
  if (!c.ok()) return;
  if (is_new) {
    const auto* zeros = zero_points == kNone ? nullptr : c.tensors().constants[zero_points].as<std::uint8_t>();
    found->second = highest_fitting(weights, zeros, bias.as<std::int32_t>());
  }
  c.require(highest <= found->second, [&] {
    return "sums of weights '" + tiles.name + "' and bias '" + bias.name + "' do not fit 32 bits for values up to " +
           std::to_string(highest);
  });
}

}  // namespace intvit
