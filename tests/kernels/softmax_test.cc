// softmax by the exponential: every instruction set against the scalar law, and the law against exp2 in double.
#include "kernels/softmax/softmax_law.h"

#include <doctest/doctest.h>

#include <cmath>
#include <vector>

#include "kernels/gemm/tiles.h"
#include "tests/kernels/test_data.h"

namespace intvit::test {
namespace {

using namespace intvit::kernels;

std::uint32_t run_softmax(Isa isa, const std::int32_t* scores, std::uint8_t* dst, int columns,
                          const SoftmaxScale& scale) {
  SoftmaxArgs args{};
  args.scores = scores;
  args.dst = dst;
  args.columns = columns;
  args.padded_columns = padded_depth(columns);
  args.scale = scale;
  args.kind = SoftmaxKind::exponential;
  const SoftmaxSums sums = kernel_table(isa).softmax->run(args);
  REQUIRE(sums.divisor == sums.values);
  return sums.values;
}

void compare(const std::vector<Isa>& isas, const std::vector<std::int32_t>& row, const SoftmaxScale& scale,
             std::uint64_t seed) {
  const auto columns = static_cast<int>(row.size());
  const int padded = padded_depth(columns);
  FencedBuffer<std::int32_t> scores(static_cast<std::size_t>(padded));
  Random random(seed);
  fill(scores.data(), static_cast<std::size_t>(padded), Pattern::random, random);  // the padding may be anything
  std::copy(row.begin(), row.end(), scores.data());
  const auto run = [&](Isa isa, GuardedBuffer<std::uint8_t>& dst) {
    return run_softmax(isa, scores.data(), dst.data(), columns, scale);
  };
  GuardedBuffer<std::uint8_t> expected(static_cast<std::size_t>(padded), seed % 61);
  const std::uint32_t sum = run(Isa::scalar, expected);
  REQUIRE(expected.guards_intact());
  CHECK(sum >= 255);
  for (int j = columns; j < padded; ++j) REQUIRE(expected[static_cast<std::size_t>(j)] == 0);
  for (const Isa isa : isas) {
    GuardedBuffer<std::uint8_t> actual(static_cast<std::size_t>(padded), seed % 67);
    const std::uint32_t actual_sum = run(isa, actual);
    const std::ptrdiff_t at = first_difference(expected, actual);
    const std::string message = describe(isa) + ": " + std::to_string(columns) + " columns, shifts " +
                                std::to_string(scale.left_shift) + " and " + std::to_string(scale.right_shift) +
                                ", multiplier " + std::to_string(scale.multiplier) + ", element " + std::to_string(at);
    CHECK_MESSAGE(at < 0, message);
    CHECK_MESSAGE(actual_sum == sum, message);
    CHECK_MESSAGE(actual.guards_intact(), message);
  }
}

std::vector<std::int32_t> random_row(int columns, int bits, Random& random) {
  std::vector<std::int32_t> row;
  for (int j = 0; j < columns; ++j) {
    row.push_back(static_cast<std::int32_t>(random.integer(-(std::int64_t{1} << bits), (std::int64_t{1} << bits) - 1)));
  }
  return row;
}

TEST_CASE("softmax: every number of columns") {
  const std::vector<Isa> isas = vector_isas();
  Random random(1);
  std::uint64_t seed = 1;
  for (int columns = 1; columns <= 200; ++columns) {
    compare(isas, random_row(columns, 15, random), {1, 0, 40000}, seed++);
  }
  for (const int columns : {197, 198, 257, 577, 1025, 4099}) {
    compare(isas, random_row(columns, 18, random), {0, 3, 20000}, seed++);
  }
}

TEST_CASE("softmax: every shift, multipliers at their limits, scores of every magnitude") {
  const std::vector<Isa> isas = vector_isas();
  Random random(2);
  std::uint64_t seed = 1000;
  for (const int multiplier : {0, 1, 2047, 32767, 32768, 65535}) {
    for (int bits = 0; bits <= 31; ++bits) {
      const auto m = static_cast<std::uint16_t>(multiplier);
      // A distance of 32 bits that is then shifted left is beyond the contract, but still has to be the same
      // everywhere.
      compare(isas, random_row(70, bits, random), {bits % 16, 0, m}, seed++);
      compare(isas, random_row(70, static_cast<int>(random.integer(0, 31)), random), {0, bits, m}, seed++);
      compare(isas, random_row(70, bits, random), {0, bits < 15 ? 0 : bits - 15, m}, seed++);
    }
  }
}

TEST_CASE("softmax: equal scores, and one that dominates") {
  const std::vector<Isa> isas = vector_isas();
  std::uint64_t seed = 2000;
  for (const int columns : {1, 7, 64, 65, 197}) {
    for (const std::int32_t value : {0, 1, -1, 1 << 20, INT32_MIN, INT32_MAX}) {
      compare(isas, std::vector<std::int32_t>(static_cast<std::size_t>(columns), value), {0, 0, 65535}, seed++);
    }
    for (int at = 0; at < columns; at += 5) {
      std::vector<std::int32_t> row(static_cast<std::size_t>(columns), -(1 << 22));
      row[static_cast<std::size_t>(at)] = 1 << 22;
      compare(isas, row, {0, 7, 65535}, seed++);
    }
  }
}

// Every t that can occur, on every instruction set.
TEST_CASE("softmax: all 65536 values of t") {
  const std::vector<Isa> isas = vector_isas();
  std::vector<std::int32_t> row;
  for (int t = 0; t < 65536; ++t) row.push_back(-t);
  compare(isas, row, {0, 0, 65535}, 5);
  compare(isas, row, {1, 0, 65535}, 6);
}

// How the converter fits `scale` (t per unit of score): 16 is reached before 65535 is.
SoftmaxScale fit_scale(double t_per_unit) {
  // (d << left >> right) * multiplier / 2^16 = d * t_per_unit * 2^11, multiplier in [2^15, 2^16).
  const double wanted = t_per_unit * std::exp2(16 + kSoftmaxFractionBits);
  int shift = static_cast<int>(std::floor(std::log2(wanted))) - 15;  // the rest goes left (> 0) or right (< 0)
  auto multiplier = std::lround(wanted * std::exp2(-shift));
  if (multiplier > 65535) multiplier = 32768, ++shift;
  return {std::max(shift, 0), std::max(-shift, 0), static_cast<std::uint16_t>(multiplier)};
}

struct SoftmaxErrors {
  double code = 0;         // distance from 255 * 2^-t
  double probability = 0;  // of normalised codes from the true softmax
};

// `spread`: standard deviation of the scores in bits (1.44 bits are one unit of the natural exponent).
SoftmaxErrors worst_softmax_errors(double spread, Random& random) {
  SoftmaxErrors worst;
  for (int i = 0; i < 1000; ++i) {
    const int columns = i % 4 == 0 ? 197 : static_cast<int>(random.integer(2, 300));
    const double t_per_unit = std::exp2(random.real(-18, -7));  // 64 products of two codes: up to 2^22 units
    std::vector<std::int32_t> scores(static_cast<std::size_t>(padded_depth(columns)));
    for (int j = 0; j < columns; ++j) {
      scores[static_cast<std::size_t>(j)] = static_cast<std::int32_t>(std::lround(random.bell(0, spread / t_per_unit)));
    }
    std::vector<std::uint8_t> codes(scores.size());
    const std::uint32_t sum = run_softmax(Isa::scalar, scores.data(), codes.data(), columns, fit_scale(t_per_unit));
    const std::int32_t max = *std::max_element(scores.begin(), scores.begin() + columns);
    const auto exact = [&](std::size_t j) { return std::exp2((static_cast<double>(scores[j]) - max) * t_per_unit); };
    double exact_sum = 0;
    for (std::size_t j = 0; j < static_cast<std::size_t>(columns); ++j) exact_sum += exact(j);
    for (std::size_t j = 0; j < static_cast<std::size_t>(columns); ++j) {
      worst.code = std::max(worst.code, std::fabs(codes[j] - 255 * exact(j)));
      worst.probability =
          std::max(worst.probability, std::fabs(static_cast<double>(codes[j]) / sum - exact(j) / exact_sum));
    }
  }
  return worst;
}

// Codes are always right; what normalised codes can say is limited by their eight bits: in rows with one far outlier
// the many columns below half a code count for nothing, and the outlier gets their share.
TEST_CASE("softmax: codes within 1 of 255 * 2^-t, probabilities as good as eight bits allow") {
  Random random(3);
  const std::pair<double, double> limits[] = {{0.5, 0.003}, {1, 0.003}, {1.5, 0.01}, {2, 0.02}, {3, 0.08}, {5, 0.1}};
  for (const auto& [spread, limit] : limits) {
    const SoftmaxErrors worst = worst_softmax_errors(spread, random);
    MESSAGE("softmax: scores spread over " << spread << " bits: codes at most " << worst.code
                                           << " from 255 * 2^-t, probabilities at most " << 100 * worst.probability
                                           << " % absolute");
    CHECK(worst.code < 1);
    CHECK(worst.probability < limit);
  }
}

TEST_CASE("softmax_code: falls with the distance and ends at zero") {
  const SoftmaxScale scale{0, 0, 65535};
  int last = 255;
  for (int distance = 0; distance < 70000; ++distance) {
    const int code = softmax_code(0, -distance, scale);
    REQUIRE(code <= last);
    last = code;
  }
  CHECK(last == 0);
  CHECK(softmax_code(5, 5, scale) == 255);
}

}  // namespace
}  // namespace intvit::test
