// What becomes of logits: the best classes, by integers alone, and probabilities for people to read.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "intvit/export.h"
#include "intvit/view.h"

namespace intvit {

struct ClassLogit {
  int class_index = 0;
  std::int32_t logit = 0;  // in units of 2^-Model::logit_fraction_bits()
};

// Writes the min(count, classes) classes with the largest logits to `best`, best first, and returns how many these are.
// Of equal logits the lower class comes first. `best` has `count` places. Allocates nothing.
INTVIT_API std::size_t best_classes(View<const std::int32_t> logits, ClassLogit* best, std::size_t count);

// Softmax of logits in `unit`, which the port of the logits tells (Port::unit). Not for zero-shot classes, whose logits
// have a unit of their own per picture (docs/format.md, zero_shot).
inline std::vector<double> softmax_probabilities(View<const std::int32_t> logits, double unit) {
  std::vector<double> result(logits.size());
  if (logits.empty()) return result;
  const double largest = *std::max_element(logits.begin(), logits.end());
  double sum = 0;
  for (std::size_t i = 0; i < result.size(); ++i) sum += result[i] = std::exp((logits[i] - largest) * unit);
  for (double& probability : result) probability /= sum;
  return result;
}

}  // namespace intvit
