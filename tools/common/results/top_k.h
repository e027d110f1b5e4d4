// The classes with the largest logits, and their probabilities.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "intvit/classes.h"

namespace intvit {

struct Prediction {
  int class_index = 0;
  std::int32_t logit = 0;  // in units of 2^-logit_fraction_bits
  double probability = 0;
};

// The value that a logit stands for.
double logit_value(std::int32_t logit, int fraction_bits);

// The min(k, classes) best classes, best first; of equal logits the lower class comes first.
std::vector<Prediction> top_k(std::span<const std::int32_t> logits, const LogitMeaning& meaning, int k);

}  // namespace intvit
