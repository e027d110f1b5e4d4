// adfq: a quantizer per token position for the inputs of qkv and fc1, large values kept aside; logarithmic levels for
// probabilities and, shifted by GELU's minimum, for fc2's input (ADFQ-ViT, Jiang et al., arXiv 2407.02763, read in its
// released code; docs/quantizers.md). Its module-wise optimisation of rounding and scales (section 5d) is not here:
// weights are chosen layer after layer in converter/weights/, which would be the place for it.
#include <algorithm>
#include <array>
#include <cmath>

#include "converter/errors/attention_rows.h"
#include "converter/errors/channel_error.h"
#include "converter/methods/sampled_segment.h"
#include "converter/methods/uniform.h"
#include "converter/methods/value_bits.h"
#include "converter/quantizers/aside.h"
#include "converter/quantizers/clip_search.h"
#include "converter/quantizers/logarithmic.h"
#include "converter/quantizers/per_token.h"
#include "converter/quantizers/table.h"

namespace intvit {
namespace {

constexpr int kSampledRows = 2400;

// The largest level is sought down to this share of the largest value, in these steps.
constexpr int kDeltas = 16;
double share_of(int i) { return std::exp2(-0.2 * i); }

SoftmaxScheme logarithmic_softmax(const TensorSamples& probabilities, const TensorSamples& values, int heads,
                                  LogarithmBase base, int bits, int value_bits, int threads) {
  SoftmaxScheme scheme;
  scheme.codes = SoftmaxKind::absolute;
  scheme.bits = bits;
  scheme.value_bits = value_bits;
  const double largest = row_maximum_range(probabilities).largest;
  std::vector<SoftmaxScheme> alternatives(kDeltas, scheme);
  for (int i = 0; i < kDeltas; ++i) {
    alternatives[static_cast<std::size_t>(i)].tables = {logarithmic_table(base, largest * share_of(i), bits)};
  }
  const AttentionRows rows = attention_rows(probabilities, values, heads, alternatives, kSampledRows, threads);
  for (int head = 0; head < heads; ++head) {
    std::vector<double> sums(kDeltas, 0);
    for (std::size_t r = 0; r < rows.heads.size(); ++r) {
      if (rows.heads[r] != head) continue;
      for (std::size_t i = 0; i < kDeltas; ++i) sums[i] += rows.errors[r * kDeltas + i];
    }
    const auto best = static_cast<std::size_t>(std::min_element(sums.begin(), sums.end()) - sums.begin());
    scheme.tables.push_back(alternatives[best].tables[0]);
  }
  return scheme;
}

// Shifted by GELU's minimum, or by what was seen below it (quick GELU); by nothing where nothing is negative (ReLU).
ActivationScheme shifted_logarithmic(const TensorSamples& samples, const std::vector<double>& importance,
                                     LogarithmBase base, int bits, int grid_bits) {
  const std::vector<WeightedValue> values = weighted_values(samples, importance);
  ActivationScheme scheme;
  scheme.kind = CodeKind::table;
  scheme.bits = bits;
  const bool negative = !values.empty() && values.front().value < 0;
  const double shift = negative ? std::min(kGeluMinimum, values.front().value) : 0;
  const double span = values.empty() ? 1 : std::max(values.back().value - shift, 1e-6);
  double least = -1;
  for (int i = 0; i < kDeltas; ++i) {
    const TableScheme table = shifted_logarithmic_table(base, span * share_of(i), shift, bits);
    double error = 0;
    for (const WeightedValue& v : values) {
      const double difference = v.value - value_of(v.value, table);
      error += v.weight * difference * difference;
    }
    if (least >= 0 && error >= least) continue;
    least = error;
    scheme.table = table;
  }
  scheme.grid = grid_for(scheme.table.levels.front(), scheme.table.levels.back(), grid_bits);
  return scheme;
}

class Adfq : public Planner {
 public:
  explicit Adfq(const MethodInput& input) : Planner(input, percentile_plan(input)) {}

  void see(SampledSegment& segment) override {
    const int bits = input_.activation_bits, table_bits = value_bits(input_);
    const LogarithmBase gelu_base =
        input_.knobs.get("gelu_base") == 0 ? LogarithmBase::square_root_of_two : LogarithmBase::two;
    segment.put_clipped(plan_);
    for (const SampledInput& input : segment.linear_inputs()) {
      const TensorSamples& samples = segment.at(input.tensor);
      ActivationSchemes& schemes = plan_.activations[segment.name(input.tensor)];
      if (input.from<LayerNorm>()) schemes = {tokens(samples, input)};
      if (input.from<Activate>()) {
        schemes = {shifted_logarithmic(samples, column_powers(*input.layer), gelu_base, bits, table_bits)};
      }
    }
    for (const SampledAttention& a : segment.attentions()) {
      plan_.softmax[segment.name(a.probabilities)] =
          logarithmic_softmax(segment.probabilities_of(a), segment.values_of(a), a.heads,
                              LogarithmBase::square_root_of_two, bits, table_bits, input_.run.threads);
    }
  }

 private:
  double outlier(const TensorSamples& samples, const Node& layer) const {
    if (input_.knobs.get("aside") > 0) return threshold_aside(samples, input_.knobs.get("aside") / 100);
    const bool qkv = is_per_head(input_.network.at(layer.outputs[0]).role);
    return input_.knobs.get(qkv ? "qkv_outlier" : "fc1_outlier");
  }

  // Of what attends in windows, the slot of every token in its window; else empty.
  std::vector<int> positions(const Node& qkv) const {
    for (const int reader : input_.network.readers(qkv.outputs[0])) {
      const auto* attention = input_.network.node(reader).as<Attention>();
      if (attention == nullptr || !attention->windows) continue;
      const WindowMap map = expand(*attention->windows);
      std::vector<int> slots(static_cast<std::size_t>(attention->windows->tokens()));
      for (std::size_t i = 0; i < map.rows.size(); ++i) {
        if (map.rows[i] >= 0) slots[static_cast<std::size_t>(map.rows[i])] = static_cast<int>(i) % map.tokens;
      }
      return slots;
    }
    return {};
  }

  ActivationScheme tokens(const TensorSamples& samples, const SampledInput& input) const {
    const TokenOptions options{input_.activation_bits, static_cast<int>(input_.knobs.get("grid_bits")),
                               outlier(samples, *input.linear), positions(*input.linear)};
    return input_.knobs.on("dynamic") ? dynamic_token_scheme(samples, options)
                                      : token_scheme(samples, column_powers(*input.layer), options);
  }
};

}  // namespace

std::unique_ptr<Planner> start_adfq(const MethodInput& input) { return std::make_unique<Adfq>(input); }

}  // namespace intvit
