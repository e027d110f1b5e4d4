// What becomes of logits: the best classes, by integers alone, and probabilities for people to read.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "intvit/export.h"
#include "intvit/logit_rule.h"
#include "intvit/session.h"
#include "intvit/status.h"
#include "intvit/view.h"

namespace intvit {

struct ClassLogit {
  int class_index = 0;
  std::int32_t logit = 0;  // in units of 2^-Model::logit_fraction_bits()
};

// Writes the min(count, classes) classes with the largest logits to `best`, best first, and returns how many these are.
// Of equal logits the lower class comes first. `best` has `count` places. Allocates nothing.
INTVIT_API std::size_t best_classes(View<const std::int32_t> logits, ClassLogit* best, std::size_t count);

// Softmax of logits in `unit`.
inline std::vector<double> softmax_probabilities(View<const std::int32_t> logits, double unit) {
  std::vector<double> result(logits.size());
  if (logits.empty()) return result;
  const double largest = *std::max_element(logits.begin(), logits.end());
  double sum = 0;
  for (std::size_t i = 0; i < result.size(); ++i) sum += result[i] = std::exp((logits[i] - largest) * unit);
  for (double& probability : result) probability /= sum;
  return result;
}

// Softmax or sigmoids, as `meaning` says.
inline std::vector<double> probabilities(View<const std::int32_t> logits, const LogitMeaning& meaning) {
  if (!meaning.sigmoid) return softmax_probabilities(logits, meaning.unit);
  std::vector<double> result(logits.size());
  std::transform(logits.begin(), logits.end(), result.begin(),
                 [&](std::int32_t logit) { return 1 / (1 + std::exp(-meaning.value(logit))); });
  return result;
}

// The L2 norm of the real values of an output of picture `index`.
inline double l2_norm(const Session& session, int index, std::size_t port) {
  const Port& own = session.model().outputs()[port];
  const OutputView output = session.output(index, port);
  double sum = 0;
  for (int r = 0; r < output.rows; ++r) {
    for (int c = 0; c < output.columns; ++c) {
      const double distance = static_cast<double>(output.at(r, c)) - own.zero;
      sum += distance * distance;
    }
  }
  return std::sqrt(sum) * own.unit();
}

// Of every class for picture `index` after run(), also where classes are told by texts (zero-shot); empty for a model
// without logits. The errors of Model::logit_rule().
inline Result<std::vector<double>> class_probabilities(const Session& session, int index) {
  const Result<LogitRule> rule = session.model().logit_rule();
  if (!rule.ok()) return rule.status();
  const double norm = rule.value().divisor ? l2_norm(session, index, *rule.value().divisor) : 1;
  return probabilities(session.logits(index), rule.value().of_norm(norm));
}

}  // namespace intvit
