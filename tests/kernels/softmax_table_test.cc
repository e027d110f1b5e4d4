// softmax by tables: every instruction set against the scalar law, and the law against real quantizers in double.
#include "kernels/softmax/softmax_law.h"

#include <doctest/doctest.h>

#include <cmath>
#include <vector>

#include "kernels/gemm/tiles.h"
#include "tests/kernels/softmax_tables.h"
#include "tests/kernels/test_data.h"
#include "tests/one_of.h"

namespace intvit::test {
namespace {

using namespace intvit::kernels;

constexpr SoftmaxKind kTableKinds[] = {SoftmaxKind::relative, SoftmaxKind::absolute};
constexpr int kColumns[] = {1, 2, 16, 17, 31, 33, 64, 65, 197};

// Rows whose distances spread over a few octaves, a few hundred, or are anything at all.
struct Row {
  std::vector<std::int32_t> scores;
  SoftmaxScale scale;
};

Row random_row(int columns, Random& random) {
  Row row;
  const int bits = static_cast<int>(random.chance(80) ? random.integer(12, 16) : random.integer(0, 31));
  const std::int64_t limit = std::int64_t{1} << bits;
  const bool equal = random.chance(5);
  for (int j = 0; j < columns; ++j) {
    row.scores.push_back(static_cast<std::int32_t>(
        equal && j > 0 ? row.scores[0]
                       : std::clamp<std::int64_t>(random.integer(-limit, limit), INT32_MIN, INT32_MAX)));
  }
  row.scale = {0, 0, 65535};
  if (random.chance(30)) {
    row.scale = {static_cast<int>(random.chance(50) ? random.integer(0, 15) : 0),
                 static_cast<int>(random.chance(50) ? random.integer(0, 31) : 0),
                 static_cast<std::uint16_t>(random.integer(0, 65535))};
  }
  return row;
}

void compare(const std::vector<Isa>& isas, const Row& row, SoftmaxKind kind, const OwnedSoftmaxTable& table,
             bool two_planes, std::uint64_t seed) {
  const auto columns = static_cast<int>(row.scores.size());
  const int padded = padded_depth(columns);
  const auto size = static_cast<std::size_t>(padded);
  FencedBuffer<std::int32_t> scores(size);
  Random random(seed);
  fill(scores.data(), size, Pattern::random, random);  // the padding may be anything
  std::copy(row.scores.begin(), row.scores.end(), scores.data());
  const std::size_t plane = two_planes ? size + seed % 3 * 37 : 0;
  struct Result {
    GuardedBuffer<std::uint8_t> dst;
    SoftmaxSums sums{};
  };
  const auto run = [&](Isa isa, Result& result) {
    GuardedBuffer<std::int16_t> scratch(softmax_scratch_bytes(padded) / 2, seed % 5);
    SoftmaxArgs args{};
    args.scores = scores.data();
    args.dst = result.dst.data();
    args.plane_stride = static_cast<std::ptrdiff_t>(plane);
    args.columns = columns;
    args.padded_columns = padded;
    args.scale = row.scale;
    args.kind = kind;
    args.table = table.view();
    args.scratch = scratch.data();
    result.sums = kernel_table(isa).softmax->run(args);
    CHECK(scratch.guards_intact());
    CHECK(result.dst.guards_intact());
  };
  Result expected{GuardedBuffer<std::uint8_t>(plane + size, seed % 61)};
  run(Isa::scalar, expected);
  std::uint32_t sum = 0;
  for (std::size_t j = 0; j < size; ++j) {
    const std::uint32_t value = expected.dst[j] + (two_planes ? 256u * expected.dst[plane + j] : 0u);
    if (j >= row.scores.size()) REQUIRE(value == 0);
    sum += value;
  }
  CHECK(expected.sums.values == sum);
  CHECK(expected.sums.divisor >= 1);
  if (kind == SoftmaxKind::relative) CHECK(expected.sums.divisor == std::max(sum, 1u));
  for (const Isa isa : isas) {
    Result actual{GuardedBuffer<std::uint8_t>(plane + size, seed % 67)};
    run(isa, actual);
    const std::ptrdiff_t at = first_difference(expected.dst, actual.dst);
    if (at < 0 && actual.sums.values == sum && actual.sums.divisor == expected.sums.divisor) continue;
    FAIL_CHECK(describe(isa) << ": kind " << static_cast<int>(kind) << ", " << columns << " columns, "
                             << table.values.size() << " levels, " << table.group_offsets.size()
                             << " groups, two_planes " << two_planes << ", element " << at << ", sums "
                             << actual.sums.values << " and " << sum << ", divisors " << actual.sums.divisor << " and "
                             << expected.sums.divisor << ", seed " << seed);
  }
}

TEST_CASE("softmax tables: every number of levels") {
  const std::vector<Isa> isas = vector_isas();
  Random random(1);
  std::uint64_t seed = 1;
  for (int levels = 2; levels <= 256; ++levels) {
    for (const int columns : kColumns) {
      for (const SoftmaxKind kind : kTableKinds) {
        const Row row = random_row(columns, random);
        compare(isas, row, kind, random_softmax_table(levels, 255, random), false, seed++);
        compare(isas, row, kind, random_softmax_table(levels, 32767, random), true, seed++);
        compare(isas, row, kind, hostile_softmax_table(levels, random), seed % 4 == 1, seed);
        ++seed;
      }
    }
  }
}

TEST_CASE("softmax tables: every number of columns, and many") {
  const std::vector<Isa> isas = vector_isas();
  Random random(2);
  std::uint64_t seed = 100000;
  std::vector<int> sizes = {257, 577, 1025, 4099, 32768};
  for (int columns = 1; columns <= 200; ++columns) sizes.push_back(columns);
  for (const int columns : sizes) {
    for (const SoftmaxKind kind : kTableKinds) {
      for (const int levels : {4, 16, 17, 32, 33}) {
        compare(isas, random_row(columns, random), kind, random_softmax_table(levels, 32767, random), seed % 2 == 0,
                seed);
        ++seed;
      }
    }
  }
}

// Every distance against a threshold there, just below and just above, for every way of looking it up.
TEST_CASE("softmax tables: every distance, every threshold") {
  const std::vector<Isa> isas = vector_isas();
  Row row{{}, {1, 0, 32768}};
  for (int t = 0; t < 32768; ++t) row.scores.push_back(-t);
  for (const int levels : {16, 32, 256}) {
    for (int first = 0; first <= 4096; first += (levels - 1) * kOneOf) {
      OwnedSoftmaxTable table;
      for (int k = 0; k < levels - 1; ++k) {
        table.thresholds.push_back(static_cast<std::int16_t>(std::min(first + k, 4096)));
      }
      for (int k = 0; k < levels; ++k) table.values.push_back(static_cast<std::int16_t>(k));
      compare(isas, row, SoftmaxKind::relative, table, first % 2 == 1, static_cast<std::uint64_t>(first));
      compare(isas, row, SoftmaxKind::absolute, table, first % 2 == 1, static_cast<std::uint64_t>(first));
    }
  }
}

TEST_CASE("log2_fixed: within 2^-16 of log2") {
  double worst = 0;
  const auto check = [&](std::uint32_t x) {
    worst = std::max(worst, std::fabs(log2_fixed(x) - 65536 * std::log2(static_cast<double>(x))));
  };
  Random random(3);
  for (std::uint32_t x = 1; x < 70000; ++x) check(x);
  for (int i = 0; i < 1000000; ++i) check(static_cast<std::uint32_t>(random.next()) | 1);
  for (int bit = 0; bit < 32; ++bit) {
    check(1u << bit);
    check((2u << bit) - 1);
  }
  MESSAGE("log2_fixed: at most " << worst << " * 2^-16 from log2");
  CHECK(worst < 1);
  CHECK(log2_fixed(0) == 0);
  CHECK(log2_fixed(1u << 31) == 31 << 16);
  CHECK(log2_fixed(UINT32_MAX) == 32 << 16);
  for (std::size_t i = 0; i < kLog2Table.size(); ++i) {
    const double exact = std::log2(1 + static_cast<double>(i) / 256) * (1 << kLog2EntryFractionBits);
    REQUIRE(kLog2Table[i] == std::lround(exact));
  }
}

struct Mismatches {
  double share = 0;     // of elements whose level differs from the real quantizer's
  double farthest = 0;  // such an element's real distance from a threshold, in units of 1/256 octave
};

// Rows of scores that spread over `spread` octaves, quantized by the law and in double.
Mismatches mismatches(SoftmaxKind kind, const std::vector<double>& separators, double spread, Random& random) {
  const OwnedSoftmaxTable table = table_of_octaves(separators);
  Mismatches result;
  double count = 0;
  for (int i = 0; i < 300; ++i) {
    const int columns = i % 3 == 0 ? 197 : static_cast<int>(random.integer(1, 300));
    const auto n = static_cast<std::size_t>(columns);
    const auto padded = static_cast<std::size_t>(padded_depth(columns));
    // No shifts: the multiplier is all of the scale, and known exactly.
    const auto multiplier = static_cast<std::uint16_t>(random.integer(32768, 65535));
    const double octaves_per_unit = multiplier * std::exp2(-16 - kSoftmaxFractionBits);
    std::vector<std::int32_t> scores(padded);
    for (std::size_t j = 0; j < n; ++j) {
      scores[j] = static_cast<std::int32_t>(std::lround(random.bell(0, spread / octaves_per_unit)));
    }
    std::vector<std::uint8_t> codes(padded), scratch(softmax_scratch_bytes(padded_depth(columns)));
    SoftmaxArgs args{};
    args.scores = scores.data();
    args.dst = codes.data();
    args.columns = columns;
    args.padded_columns = padded_depth(columns);
    args.scale = {0, 0, multiplier};
    args.kind = kind;
    args.table = table.view();
    args.scratch = scratch.data();
    kernel_table(Isa::scalar).softmax->run(args);
    const std::int32_t max = *std::max_element(scores.begin(), scores.begin() + columns);
    const auto octaves = [&](std::size_t j) { return (static_cast<double>(max) - scores[j]) * octaves_per_unit; };
    double sum = 0;
    for (std::size_t j = 0; j < n; ++j) sum += std::exp2(-octaves(j));
    const double base = kind == SoftmaxKind::absolute ? std::log2(sum) : 0;
    for (std::size_t j = 0; j < n; ++j) {
      const double distance = octaves(j) + base;
      const auto level = std::upper_bound(separators.begin(), separators.end(), distance) - separators.begin();
      count += 1;
      if (codes[j] == level) continue;
      result.share += 1;
      double nearest = 1e9;
      for (const int at : table.thresholds) nearest = std::min(nearest, std::fabs(256 * distance - at));
      result.farthest = std::max(result.farthest, nearest);
    }
  }
  result.share /= count;
  return result;
}

TEST_CASE("softmax tables: the codes of real quantizers") {
  Random random(4);
  struct Quantizer {
    std::string name;
    SoftmaxKind kind;
    std::vector<double> separators;
  };
  const Quantizer quantizers[] = {
      {"relative log2", SoftmaxKind::relative, log_separators(16, 1)},
      {"relative log sqrt 2", SoftmaxKind::relative, log_separators(16, 2)},
      {"absolute log2", SoftmaxKind::absolute, log_separators(16, 1)},
      {"absolute log sqrt 2", SoftmaxKind::absolute, log_separators(32, 2)},
      {"absolute uniform, 16 levels", SoftmaxKind::absolute, uniform_separators(16)},
      {"absolute uniform, 256 levels", SoftmaxKind::absolute, uniform_separators(256)},
      {"absolute tangent", SoftmaxKind::absolute, tangent_separators(16, 2.5, 0.56)},
  };
  for (const Quantizer& quantizer : quantizers) {
    Mismatches worst;
    for (const double spread : {0.3, 1.0, 2.0, 4.0}) {
      const Mismatches m = mismatches(quantizer.kind, quantizer.separators, spread, random);
      worst.share = std::max(worst.share, m.share);
      worst.farthest = std::max(worst.farthest, m.farthest);
    }
    MESSAGE("softmax tables: " << quantizer.name << ": " << 100 * worst.share << " % other codes, at most "
                               << worst.farthest << " / 256 octave from a threshold");
    CHECK(worst.share < 1e-2);
    CHECK(worst.farthest < 1);
  }
}

// Groups: the same table, measured from each group's offset and divided by its divisor.
TEST_CASE("softmax tables: groups by the largest probability") {
  OwnedSoftmaxTable table = table_of_octaves(log_separators(16, 1));
  table.group_bounds = {256, 3 * 256};  // largest probability above 1/2, above 1/8, the rest
  table.group_offsets = {0, 256, 3 * 256};
  table.group_divisors = {1000, 500, 125};
  const auto first_code = [&](int columns, std::uint32_t& divisor) {
    std::vector<std::int32_t> scores(64);
    std::vector<std::uint8_t> codes(64), scratch(softmax_scratch_bytes(64));
    SoftmaxArgs args{};
    args.scores = scores.data();
    args.dst = codes.data();
    args.columns = columns;
    args.padded_columns = 64;
    args.scale = {0, 0, 65535};
    args.kind = SoftmaxKind::absolute;
    args.table = table.view();
    args.scratch = scratch.data();
    divisor = kernel_table(Isa::scalar).softmax->run(args).divisor;
    return static_cast<int>(codes[0]);
  };
  // Equal scores: the largest probability is 1 / columns.
  std::uint32_t divisor;
  CHECK((first_code(1, divisor) == 0 && divisor == 1000));
  CHECK((first_code(2, divisor) == 0 && divisor == 500));
  CHECK((first_code(4, divisor) == 1 && divisor == 500));
  CHECK((first_code(8, divisor) == 0 && divisor == 125));
  CHECK((first_code(64, divisor) == 3 && divisor == 125));
}

}  // namespace
}  // namespace intvit::test
