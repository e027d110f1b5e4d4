// attention with a table of 12-bit values, as codes and as 16-bit values, against the formula in double.
#include <doctest/doctest.h>

#include <cmath>
#include <vector>

#include "kernels/arithmetic/arithmetic.h"
#include "kernels/attention/attention.h"
#include "tests/kernels/softmax_tables.h"
#include "tests/kernels/test_data.h"
#include "tests/one_of.h"

namespace intvit::test {
namespace {

using namespace intvit::kernels;

constexpr int kLevels = 26;
constexpr double kPerOctave = 2;

struct Head {
  int tokens, head_dim;
  std::vector<std::uint8_t> q, k, v;
  AttentionHead parameters{};
  double gain;
  double octaves_per_unit;

  Head(int tokens_in, int head_dim_in, bool values, Random& random) : tokens(tokens_in), head_dim(head_dim_in) {
    for (auto* codes : {&q, &k, &v}) {
      for (int i = 0; i < tokens * head_dim; ++i) {
        codes->push_back(saturate_u8(static_cast<std::int32_t>(std::lround(random.bell(128, 42)))));
      }
    }
    parameters.q_zero = static_cast<std::int32_t>(random.integer(100, 150));
    parameters.v_zero = static_cast<std::int32_t>(random.integer(100, 150));
    parameters.out_zero = static_cast<std::int32_t>(values ? random.integer(-500, 500) : random.integer(110, 140));
    parameters.softmax = {0, 2, static_cast<std::uint16_t>(random.integer(4000, 16000))};
    octaves_per_unit = parameters.softmax.multiplier * std::exp2(-18 - kSoftmaxFractionBits);
    gain = values ? random.real(100, 127) : random.real(1, 2);  // of values up to 255: 16 bits, or codes
    parameters.ratio_shift = values ? 24 : 30;
    parameters.ratio = static_cast<std::uint32_t>(gain * std::exp2(parameters.ratio_shift));
  }

  AttentionArgs args(SoftmaxKind kind, const SoftmaxTable& table) const {
    AttentionArgs args{};
    args.q = q.data();
    args.k = k.data();
    args.v = v.data();
    args.q_stride = args.k_stride = args.v_stride = args.dst_stride = head_dim;
    args.tokens = args.query_end = tokens;
    args.head_dim = head_dim;
    args.head = parameters;
    args.softmax_kind = kind;
    args.softmax_table = table;
    args.two_planes = true;
    args.max_code = 255;
    return args;
  }

  std::vector<std::int32_t> scores(int query) const {
    std::vector<std::int32_t> scores(static_cast<std::size_t>(padded_depth(tokens)));
    for (int j = 0; j < tokens; ++j) {
      for (int c = 0; c < head_dim; ++c) {
        scores[static_cast<std::size_t>(j)] += (q[static_cast<std::size_t>(query * head_dim + c)] - parameters.q_zero) *
                                               (k[static_cast<std::size_t>(j * head_dim + c)] - 128);
      }
    }
    return scores;
  }
};

struct Weights {
  std::vector<double> values;
  double divisor;
};

// Whose levels are those of softmax's law.
Weights law_weights(const Head& head, SoftmaxKind kind, const SoftmaxTable& table, int query) {
  const std::vector<std::int32_t> scores = head.scores(query);
  std::vector<std::uint8_t> planes(2 * scores.size());
  std::vector<std::uint8_t> scratch(softmax_scratch_bytes(padded_depth(head.tokens)));
  const SoftmaxSums sums =
      kernel_table(Isa::scalar)
          .softmax->run({scores.data(), planes.data(), padded_depth(head.tokens), head.tokens,
                         padded_depth(head.tokens), head.parameters.softmax, kind, table, scratch.data()});
  Weights weights{{}, static_cast<double>(sums.divisor)};
  for (std::size_t j = 0; j < static_cast<std::size_t>(head.tokens); ++j) {
    weights.values.push_back(planes[j] + 256 * planes[scores.size() + j]);
  }
  return weights;
}

// Whose levels are round(kPerOctave * -log2(probability)), in double.
Weights real_weights(const Head& head, SoftmaxKind kind, const SoftmaxTable& table, int query) {
  const std::vector<std::int32_t> scores = head.scores(query);
  const auto n = static_cast<std::size_t>(head.tokens);
  const std::int32_t max = *std::max_element(scores.begin(), scores.begin() + head.tokens);
  std::vector<double> octaves(n);
  double sum = 0;
  for (std::size_t j = 0; j < n; ++j) sum += std::exp2(-(octaves[j] = (max - scores[j]) * head.octaves_per_unit));
  const bool absolute = kind == SoftmaxKind::absolute;
  Weights weights{{}, 0};
  for (const double x : octaves) {
    const double level = std::floor(kPerOctave * (x + (absolute ? std::log2(sum) : 0)) + 0.5);
    weights.values.push_back(table.values[static_cast<int>(std::min(level, kLevels - 1.0))]);
    weights.divisor += weights.values.back();
  }
  if (absolute) weights.divisor = table.group_divisors[0];
  return weights;
}

double formula(const Head& head, const Weights& weights, int channel) {
  double sum = 0;
  for (int j = 0; j < head.tokens; ++j) {
    sum += weights.values[static_cast<std::size_t>(j)] *
           (head.v[static_cast<std::size_t>(j * head.head_dim + channel)] - head.parameters.v_zero);
  }
  return sum / weights.divisor * head.gain + head.parameters.out_zero;
}

struct AttentionTableErrors {
  double after_levels = 0;  // at most, from the formula with the law's levels
  double mean_square = 0;   // from the formula with real levels
};

AttentionTableErrors errors_of(SoftmaxKind kind, bool values, const SoftmaxTable& table, Random& random) {
  AttentionTableErrors errors;
  double count = 0;
  for (int i = 0; i < 12 / kOneOf; ++i) {
    const Head head(i % 3 == 0 ? 197 : static_cast<int>(random.integer(5, 100)), i % 2 == 0 ? 64 : 20, values, random);
    std::vector<std::uint8_t> codes(head.v.size());
    std::vector<std::int16_t> wide_codes(head.v.size());
    GuardedBuffer<std::uint8_t> scratch(attention_scratch_bytes(head.tokens, head.head_dim));
    AttentionArgs args = head.args(kind, table);
    args.values = values;
    args.dst = values ? static_cast<void*>(wide_codes.data()) : codes.data();
    args.scratch = scratch.data();
    kernel_table(Isa::scalar).attention->run(args);
    for (int query = 0; query < head.tokens; ++query) {
      const Weights law = law_weights(head, kind, table, query), real = real_weights(head, kind, table, query);
      for (int c = 0; c < head.head_dim; ++c) {
        const auto at = static_cast<std::size_t>(query * head.head_dim + c);
        const auto error = [&](const Weights& weights) {
          const double exact = formula(head, weights, c);
          return values ? wide_codes[at] - std::clamp(exact, -32768.0, 32767.0)
                        : codes[at] - std::clamp(exact, 0.0, 255.0);
        };
        errors.after_levels = std::max(errors.after_levels, std::fabs(error(law)));
        errors.mean_square += error(real) * error(real);
        count += 1;
      }
    }
  }
  errors.mean_square /= count;
  return errors;
}

// Real levels differ now and then (softmax_table_test.cc), by half an octave of one probability.
TEST_CASE("attention: a table of 12-bit values against the formula") {
  Random random(7);
  OwnedSoftmaxTable table = table_of_octaves(log_separators(kLevels, kPerOctave));
  for (std::size_t k = 0; k < table.values.size(); ++k) {
    table.values[k] = static_cast<std::int16_t>(std::lround(4095 * std::exp2(-static_cast<double>(k) / kPerOctave)));
  }
  table.group_divisors = {4095};
  for (const SoftmaxKind kind : {SoftmaxKind::relative, SoftmaxKind::absolute}) {
    for (const bool values : {false, true}) {
      const AttentionTableErrors errors = errors_of(kind, values, table.view(), random);
      const std::string name = std::string(kind == SoftmaxKind::relative ? "relative" : "absolute") +
                               " 12-bit table, " + (values ? "16-bit values" : "codes");
      MESSAGE("attention: " << name << ": at most " << errors.after_levels << " after the levels, "
                            << std::sqrt(errors.mean_square) << " in the root mean square");
      CHECK(errors.after_levels < (values ? 1.6 : 0.6));
      CHECK(std::sqrt(errors.mean_square) < (values ? 15 : 0.4));
    }
  }
}

}  // namespace
}  // namespace intvit::test
