// What a model's integer logits stand for, and the probabilities that follow. For display only: the order of classes
// follows the integers alone.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "intvit/model.h"
#include "intvit/status.h"
#include "tools/common/results/outputs.h"

namespace intvit {

// Of one picture: a real logit is integer * unit + bias.
struct LogitMeaning {
  double unit = 1;
  double bias = 0;
  bool sigmoid = false;  // every class by itself; else softmax over all

  double value(std::int32_t logit) const { return logit * unit + bias; }
};

std::vector<double> probabilities(std::span<const std::int32_t> logits, const LogitMeaning& meaning);

// Of a model. Those of classes that are told by texts are divided by the L2 norm of another output first.
struct LogitRule {
  LogitMeaning meaning;
  std::optional<std::size_t> divisor;  // its place among the outputs

  LogitMeaning of(const std::vector<RealValues>& outputs) const;
};

// By the unit of the logits and the metadata `zero_shot` and `logit_bias` (docs/format.md). corrupt_file if these make
// no sense.
Result<LogitRule> logit_rule(const Model& model);

}  // namespace intvit
