// The extremes of columns and the groups of channels: every instruction set against their definitions.
#include <doctest/doctest.h>

#include <algorithm>
#include <vector>

#include "kernels/encode/encode_law.h"
#include "tests/kernels/test_data.h"

namespace intvit::test {
namespace {

using namespace intvit::kernels;

TEST_CASE("encode: column_ranges") {
  std::vector<Isa> isas = vector_isas();
  isas.push_back(Isa::scalar);
  Random random(9);
  const auto check = [&](int rows, int columns, Pattern pattern) {
    const auto n = static_cast<std::size_t>(columns);
    const std::size_t stride = n + n % 4;
    FencedBuffer<std::int16_t> src(rows == 0 ? 0 : static_cast<std::size_t>(rows - 1) * stride + n);
    if (rows != 0) fill(src.data(), static_cast<std::size_t>(rows - 1) * stride + n, pattern, random);
    for (const Isa isa : isas) {
      GuardedBuffer<std::int16_t> lowest(n, n % 31), highest(n, n % 17);
      kernel_table(isa).encode->column_ranges(
          {src.data(), static_cast<std::ptrdiff_t>(stride), rows, columns, lowest.data(), highest.data()});
      std::size_t wrong = 0;
      for (std::size_t c = 0; c < n; ++c) {
        int low = 32767, high = -32768;
        for (int r = 0; r < rows; ++r) {
          low = std::min<int>(low, src[static_cast<std::size_t>(r) * stride + c]);
          high = std::max<int>(high, src[static_cast<std::size_t>(r) * stride + c]);
        }
        wrong += lowest[c] != low || highest[c] != high ? 1 : 0;
      }
      const std::string message = describe(isa) + ": " + std::to_string(rows) + " x " + std::to_string(columns);
      CHECK_MESSAGE(wrong == 0, message);
      CHECK_MESSAGE(lowest.guards_intact(), message);
      CHECK_MESSAGE(highest.guards_intact(), message);
    }
  };
  for (int columns = 1; columns <= 300; ++columns) check(1 + columns % 7, columns, Pattern::random);
  for (const Pattern pattern : kPatterns) check(197, 385, pattern);
  check(0, 3, Pattern::random);
  check(0, 100, Pattern::random);
}

TEST_CASE("encode: nearest_groups") {
  std::vector<Isa> isas = vector_isas();
  isas.push_back(Isa::scalar);
  Random random(11);
  const auto check = [&](int columns, int groups, int limit) {
    const auto n = static_cast<std::size_t>(columns), size = static_cast<std::size_t>(groups);
    FencedBuffer<std::int16_t> lowest(n), highest(n), group_lowest(size), group_highest(size);
    for (auto* values : {&lowest, &highest}) fill(values->data(), n, Pattern::random, random, -limit - 1, limit);
    for (auto* values : {&group_lowest, &group_highest}) {
      fill(values->data(), size, Pattern::random, random, -limit - 1, limit);
    }
    for (const Isa isa : isas) {
      GuardedBuffer<std::int16_t> group(n, n % 31);
      kernel_table(isa).encode->nearest_groups(
          {lowest.data(), highest.data(), columns, group_lowest.data(), group_highest.data(), groups, group.data()});
      std::size_t wrong = 0;
      for (std::size_t c = 0; c < n; ++c) {
        wrong +=
            group[c] == nearest_group(lowest[c], highest[c], group_lowest.data(), group_highest.data(), groups) ? 0 : 1;
      }
      const std::string message =
          describe(isa) + ": " + std::to_string(columns) + " columns, " + std::to_string(groups) + " groups";
      CHECK_MESSAGE(wrong == 0, message);
      CHECK_MESSAGE(group.guards_intact(), message);
    }
  };
  for (int columns = 1; columns <= 140; ++columns) {
    check(columns, 1 + columns % 12, columns % 2 == 0 ? 3 : 32767);  // small numbers for ties
  }
  for (const int groups : {255, 256}) check(64, groups, 32767);
  // The largest distances, and only ties.
  const auto check_ends = [&](std::int16_t column, std::int16_t group) {
    const std::vector<std::int16_t> columns(33, column), groups(256, group);
    for (const Isa isa : isas) {
      std::vector<std::int16_t> nearest(33, -1);
      kernel_table(isa).encode->nearest_groups(
          {columns.data(), columns.data(), 33, groups.data(), groups.data(), 256, nearest.data()});
      CHECK_MESSAGE(std::count(nearest.begin(), nearest.end(), 0) == 33, describe(isa));
    }
  };
  check_ends(32767, -32768);
  check_ends(-32768, 32767);
}

}  // namespace
}  // namespace intvit::test
