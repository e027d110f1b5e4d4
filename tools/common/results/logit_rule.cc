#include "tools/common/results/logit_rule.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <numeric>
#include <string>
#include <system_error>

namespace intvit {

std::vector<double> probabilities(std::span<const std::int32_t> logits, const LogitMeaning& meaning) {
  std::vector<double> result(logits.size());
  if (logits.empty()) return result;
  if (meaning.sigmoid) {
    std::transform(logits.begin(), logits.end(), result.begin(),
                   [&](std::int32_t logit) { return 1 / (1 + std::exp(-meaning.value(logit))); });
    return result;
  }
  const double largest = *std::max_element(logits.begin(), logits.end());
  std::transform(logits.begin(), logits.end(), result.begin(),
                 [&](std::int32_t logit) { return std::exp((logit - largest) * meaning.unit); });
  const double sum = std::accumulate(result.begin(), result.end(), 0.0);
  for (double& probability : result) probability /= sum;
  return result;
}

LogitMeaning LogitRule::of(const std::vector<RealValues>& outputs) const {
  LogitMeaning own = meaning;
  if (!divisor) return own;
  const double norm = l2_norm(outputs[*divisor]);
  own.unit = norm > 0 ? own.unit / norm : 0;
  return own;
}

Result<LogitRule> logit_rule(const Model& model) {
  LogitRule rule;
  rule.meaning.unit = std::ldexp(1.0, -model.logit_fraction_bits());
  const Metadata& metadata = model.metadata();
  if (const auto activation = metadata.find("activation"); activation != metadata.end()) {
    rule.meaning.sigmoid = activation->second == "sigmoid";
  }
  const auto kind = metadata.find("zero_shot");
  if (kind == metadata.end()) return rule;
  rule.divisor = model.output("embedding");
  rule.meaning.sigmoid = kind->second == "sigmoid";
  if (!rule.divisor || (!rule.meaning.sigmoid && kind->second != "softmax")) {
    return {
        Code::corrupt_file,
        "the model's metadata zero_shot must be softmax or sigmoid, beside an output 'embedding'; convert it again"};
  }
  const auto bias = metadata.find("logit_bias");
  if (bias == metadata.end()) return rule;
  const char* end = bias->second.data() + bias->second.size();
  const auto [at, error] = std::from_chars(bias->second.data(), end, rule.meaning.bias);
  if (error == std::errc() && at == end && std::isfinite(rule.meaning.bias)) return rule;
  return {Code::corrupt_file, "the model's metadata logit_bias is no number; convert it again"};
}

}  // namespace intvit
