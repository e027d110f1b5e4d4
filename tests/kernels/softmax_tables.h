// Softmax tables for tests: arbitrary ones, and real quantizers of probabilities, computed in double.
#pragma once

#include <cmath>
#include <vector>

#include "kernels/softmax/softmax.h"
#include "tests/kernels/test_data.h"

namespace intvit::test {

struct OwnedSoftmaxTable {
  std::vector<std::int16_t> thresholds, values;
  std::vector<std::int32_t> group_bounds, group_offsets = {0}, group_divisors = {255};

  kernels::SoftmaxTable view() const {
    return {thresholds.data(),    values.data(),         static_cast<int>(values.size()),       group_bounds.data(),
            group_offsets.data(), group_divisors.data(), static_cast<int>(group_offsets.size())};
  }
};

// Valid tables, with equal thresholds and unreachable ones now and then.
inline OwnedSoftmaxTable random_softmax_table(int levels, int max_value, Random& random) {
  OwnedSoftmaxTable table;
  const std::int64_t reach = random.chance(30) ? 4096 : random.integer(1, 4096);
  for (int k = 0; k < levels - 1; ++k) {
    table.thresholds.push_back(static_cast<std::int16_t>(random.chance(5) ? 4096 : random.integer(0, reach)));
  }
  std::sort(table.thresholds.begin(), table.thresholds.end());
  for (int k = 0; k < levels; ++k) {
    table.values.push_back(static_cast<std::int16_t>(random.chance(10) ? max_value : random.integer(0, max_value)));
  }
  if (random.chance(70)) std::sort(table.values.rbegin(), table.values.rend());
  const auto groups = random.chance(30) ? 1 : random.chance(10) ? 64 : random.integer(2, 9);
  table.group_offsets.clear();
  table.group_divisors.clear();
  for (int g = 0; g < groups; ++g) {
    if (g > 0) table.group_bounds.push_back(static_cast<std::int32_t>(random.integer(0, 256 * 12)));
    table.group_offsets.push_back(static_cast<std::int32_t>(random.chance(30) ? 0 : random.integer(-512, 256 * 12)));
    table.group_divisors.push_back(
        static_cast<std::int32_t>(random.chance(10) ? (1 << 23) - 1 : random.integer(1, 1 << random.integer(1, 22))));
  }
  std::sort(table.group_bounds.begin(), table.group_bounds.end());
  return table;
}

// What no reader would let pass: anything in any order.
inline OwnedSoftmaxTable hostile_softmax_table(int levels, Random& random) {
  OwnedSoftmaxTable table = random_softmax_table(levels, 32767, random);
  fill(table.values.data(), table.values.size(), Pattern::random, random);
  const auto low = random.chance(50) ? -32768 : -9, high = random.chance(50) ? 32767 : 5000;
  fill(table.thresholds.data(), table.thresholds.size(), Pattern::random, random, low, high);
  for (auto* numbers : {&table.group_bounds, &table.group_offsets, &table.group_divisors}) {
    for (std::int32_t& x : *numbers) {
      x = static_cast<std::int32_t>(random.chance(20)   ? INT32_MIN
                                    : random.chance(20) ? INT32_MAX
                                                        : random.any_magnitude(30));
    }
  }
  if (random.chance(30)) table.group_divisors[0] = 0;
  return table;
}

// The levels of a quantizer are separated by distances in octaves, ascending; `values` defaults to the levels' numbers.
inline OwnedSoftmaxTable table_of_octaves(const std::vector<double>& separators) {
  OwnedSoftmaxTable table;
  for (const double octaves : separators) {
    table.thresholds.push_back(static_cast<std::int16_t>(std::clamp(std::lround(octaves * 256), 0l, 4096l)));
  }
  for (std::size_t k = 0; k <= separators.size(); ++k) table.values.push_back(static_cast<std::int16_t>(k));
  return table;
}

// round(per_octave * -log2(a)), `levels` of them.
inline std::vector<double> log_separators(int levels, double per_octave) {
  std::vector<double> separators;
  for (int k = 1; k < levels; ++k) separators.push_back((k - 0.5) / per_octave);
  return separators;
}

// round(a * (levels - 1)), from the largest down.
inline std::vector<double> uniform_separators(int levels) {
  std::vector<double> separators;
  for (int q = levels - 1; q > 0; --q) separators.push_back(-std::log2((q - 0.5) / (levels - 1)));
  return separators;
}

// TanQ: round((f(a) - f(0)) / Delta), f(a) = tan(alpha (a - beta)), from the largest down.
inline std::vector<double> tangent_separators(int levels, double alpha, double beta) {
  const auto f = [&](double a) { return std::tan(alpha * (a - beta)); };
  const double delta = (f(1) - f(0)) / (levels - 1);
  std::vector<double> separators;
  for (int q = levels - 1; q > 0; --q) {
    separators.push_back(-std::log2(beta + std::atan(f(0) + (q - 0.5) * delta) / alpha));
  }
  return separators;
}

}  // namespace intvit::test
