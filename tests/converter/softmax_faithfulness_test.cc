// Lowered softmax tables do what their schemes mean: run by the scalar kernel, against converter/plan/simulate.h.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <map>
#include <numbers>
#include <random>
#include <string>
#include <vector>

#include "converter/lower/attention_parameters.h"
#include "converter/lower/encoding.h"
#include "converter/plan/simulate.h"
#include "converter/quantizers/logarithmic.h"
#include "converter/quantizers/table.h"
#include "converter/quantizers/tanq.h"
#include "converter/quantizers/two_scaled.h"
#include "converter/quantizers/uniform.h"
#include "kernels/dispatch/kernel_table.h"
#include "tests/converter/kernel_scratch.h"

using namespace intvit;

namespace {

constexpr std::size_t kColumns = 100, kPadded = 128, kHeadDim = 32;

struct SoftmaxMargins {
  std::size_t values = 0, exceptions = 0, rows = 0, equal_rows = 0;
  double worst = 0;          // 1/256 octave from the threshold
  double worst_divisor = 0;  // relative
};

// A row of integer scores and its exact softmax.
struct ScoreRow {
  std::vector<std::int32_t> scores = std::vector<std::int32_t>(kPadded, 1 << 30);
  std::vector<double> logs;          // -log2 of the probabilities
  double log_sum = 0;                // log2 of the sum of all exponentials, the largest being 1
  std::vector<float> probabilities;  // exact
};

// `per_score`: natural units; `spread`: from nearly even to one for all.
template <typename Normal>
ScoreRow random_row(double per_score, double spread, Normal&& normal) {
  ScoreRow row;
  for (std::size_t c = 0; c < kColumns; ++c) {
    row.scores[c] = static_cast<std::int32_t>(std::lround(spread * normal() / per_score));
  }
  const std::int32_t top = *std::max_element(row.scores.begin(), row.scores.begin() + kColumns);
  double sum = 0;
  for (std::size_t c = 0; c < kColumns; ++c) sum += std::exp(per_score * (row.scores[c] - top));
  row.log_sum = std::log2(sum);
  for (std::size_t c = 0; c < kColumns; ++c) {
    row.logs.push_back(per_score * (top - row.scores[c]) * std::numbers::log2e + row.log_sum);
    row.probabilities.push_back(static_cast<float>(std::exp2(-row.logs[c])));
  }
  return row;
}

// What the scalar kernel makes of a row.
struct SoftmaxResult {
  std::vector<int> values;
  kernels::SoftmaxSums sums;
};

SoftmaxResult run_softmax(const SoftmaxEncoding& e, std::size_t head, const kernels::SoftmaxScale& scale,
                          const ScoreRow& row) {
  std::vector<std::uint8_t> bytes(2 * kPadded);
  std::vector<ScratchLine> scratch = scratch_of(kernels::softmax_scratch_bytes(kPadded));
  kernels::SoftmaxArgs args{};
  args.scores = row.scores.data();
  args.dst = bytes.data();
  args.plane_stride = e.planes == 2 ? kPadded : 0;
  args.columns = kColumns;
  args.padded_columns = kPadded;
  args.scale = scale;
  args.kind = e.kind;
  args.scratch = scratch.data();
  if (args.kind != kernels::SoftmaxKind::exponential) {
    args.table.thresholds = e.thresholds.data() + head * (e.levels - 1);
    args.table.values = e.values.data() + head * e.levels;
    args.table.levels = static_cast<int>(e.levels);
    args.table.groups = static_cast<int>(e.groups);
    if (e.groups > 0) {
      args.table.group_bounds = e.row_groups.data();
      args.table.group_offsets = e.row_groups.data() + e.groups;
      args.table.group_divisors = e.row_groups.data() + 2 * e.groups;
    }
  }
  const kernels::SoftmaxSums sums = kernels::kernel_table(Isa::scalar).softmax->run(args);
  SoftmaxResult result{{}, sums};
  std::uint32_t total = 0;
  for (std::size_t c = 0; c < kColumns; ++c) {
    result.values.push_back(bytes[c] + (e.planes == 2 ? 256 * bytes[kPadded + c] : 0));
    total += static_cast<std::uint32_t>(result.values.back());
  }
  CHECK(total == sums.values);
  return result;
}

// A row of the right values, whose divisor is their sum: its probabilities against those of simulate().
void add_equal_row(const SoftmaxResult& got, const std::vector<float>& simulated, SoftmaxMargins& m) {
  ++m.equal_rows;
  for (std::size_t c = 0; c < kColumns; ++c) {
    m.worst_divisor =
        std::max(m.worst_divisor, std::abs(got.values[c] / static_cast<double>(got.sums.divisor) - simulated[c]));
  }
}

// Whether all values are right.
bool add_exponentials(const ScoreRow& row, const SoftmaxResult& got, SoftmaxMargins& m) {
  bool same = true;
  for (std::size_t c = 0; c < kColumns; ++c) {
    const int value = got.values[c];
    const double code = 255 * std::exp2(row.log_sum - row.logs[c]);
    ++m.values;
    if (value == std::round(code)) continue;
    same = false;
    ++m.exceptions;
    m.worst = std::max(m.worst,
                       std::abs(std::log2((std::floor(std::max<double>(value, std::round(code))) - 0.5) / code)) * 256);
    CHECK(std::abs(value - code) < 1);
  }
  return same;
}

// What probabilities are divided by before they meet the table: the bound of the group that the kernel chose.
double chosen_bound(const SoftmaxScheme& scheme, const ScoreRow& row, const SoftmaxResult& got, SoftmaxMargins& m) {
  const double one = (1 << scheme.value_bits) - 1;
  const int nearest =
      nearest_bound(scheme.bounds, *std::max_element(row.probabilities.begin(), row.probabilities.end()));
  const double bound = scheme.bounds[static_cast<std::size_t>(nearest)];
  const auto divisor_of = [&](double b) { return std::lround(std::clamp(one / b, 1.0, 8388607.0)); };
  if (std::lround(got.sums.divisor) == divisor_of(bound)) {
    m.worst_divisor = std::max(m.worst_divisor, std::abs(got.sums.divisor * bound / one - 1));
    return bound;
  }
  // The neighbouring group: within 1/256 octave of the border, half for L, half for the border itself.
  double neighbour = 0;
  for (const int other : {nearest - 1, nearest + 1}) {
    if (other < 0 || other >= static_cast<int>(scheme.bounds.size())) continue;
    const double b = scheme.bounds[static_cast<std::size_t>(other)];
    const double border = -std::log2(std::sqrt(b * bound));
    if (std::lround(got.sums.divisor) == divisor_of(b) && std::abs(row.log_sum - border) <= 1.05 / 256) neighbour = b;
  }
  CHECK(neighbour > 0);
  return neighbour > 0 ? neighbour : bound;
}

// The table's argument is 2^base times the probability. Whether all values are right.
bool add_table_codes(const TableScheme& table, double one, double base, const ScoreRow& row, const SoftmaxResult& got,
                     SoftmaxMargins& m) {
  bool same = true;
  for (std::size_t c = 0; c < kColumns; ++c) {
    const double ratio = std::exp2(base - row.logs[c]);
    ++m.values;
    if (got.values[c] == std::lround(value_of(ratio, table) * one)) continue;
    same = false;
    ++m.exceptions;
    // The nearest threshold on whose other side the value would be right.
    double nearest = 1e9;
    const std::size_t code = code_of(ratio, table);
    for (std::size_t other = 0; other < table.levels.size(); ++other) {
      if (other == code || std::lround(table.levels[other] * one) != got.values[c]) continue;
      const double threshold = table.thresholds[other < code ? other : other - 1];
      nearest = std::min(nearest, std::abs(std::log2(ratio / threshold)) * 256);
    }
    m.worst = std::max(m.worst, nearest);
  }
  return same;
}

// The scalar kernel on integer scores against simulate() of the softmax of these scores.
SoftmaxMargins softmax_margins(const SoftmaxScheme& scheme, int heads, unsigned seed) {
  const UniformScheme query{8, 0.013, 120}, key{8, 0.017, 128}, out{8, 0.01, 128};
  const auto parameters = attention_parameters(query, key, {8, 0.01, 128}, out, kHeadDim);
  REQUIRE(parameters.ok());
  const auto& p = parameters.value();
  const double per_score = query.scale * key.scale / std::sqrt(kHeadDim);
  const SoftmaxEncoding encoding = make_softmax_encoding(scheme, heads);
  std::mt19937 random(seed);
  std::normal_distribution<double> normal(0, 1);
  SoftmaxMargins m;
  for (int r = 0; r < 400; ++r) {
    const int head = r % heads;
    const ScoreRow row = random_row(per_score, 0.05 * std::exp2(r % 8), [&] { return normal(random); });
    std::vector<float> simulated = row.probabilities;
    simulate(scheme, head, simulated.data(), 1, kColumns);
    const SoftmaxResult got = run_softmax(
        encoding, static_cast<std::size_t>(head),
        {p[kSoftmaxLeftShift], p[kSoftmaxRightShift], static_cast<std::uint16_t>(p[kSoftmaxMultiplier])}, row);
    ++m.rows;
    if (scheme.codes == SoftmaxKind::exponential) {
      CHECK(got.sums.divisor == got.sums.values);
      if (add_exponentials(row, got, m)) add_equal_row(got, simulated, m);
      continue;
    }
    const TableScheme& table = scheme.tables[scheme.tables.size() == 1 ? 0 : static_cast<std::size_t>(head)];
    const bool absolute = scheme.codes == SoftmaxKind::absolute;
    const double base = absolute ? -std::log2(chosen_bound(scheme, row, got, m)) : row.log_sum;
    if (!add_table_codes(table, (1 << scheme.value_bits) - 1, base, row, got, m) || absolute) continue;
    CHECK(got.sums.divisor == got.sums.values);
    add_equal_row(got, simulated, m);
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
      scheme.codes = SoftmaxKind::relative;
      const SoftmaxMargins relative = softmax_margins(scheme, 3, 2);
      report(relative, "relative", 0.6);
      CHECK(relative.equal_rows > 0);
      CHECK(relative.worst_divisor < 1e-6);
      scheme.codes = SoftmaxKind::absolute;
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
