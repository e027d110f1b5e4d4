// The classes with the largest logits, and their probabilities. For display only: probabilities are the one place where
// a tool computes in floating point; the order of the classes follows the integers alone.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace intvit {

struct Prediction {
  int class_index = 0;
  std::int32_t logit = 0;  // in units of 2^-logit_fraction_bits
  double probability = 0;  // softmax over all classes
};

// The value that a logit stands for.
double logit_value(std::int32_t logit, int fraction_bits);

// Softmax over logits * 2^-fraction_bits.
std::vector<double> softmax(std::span<const std::int32_t> logits, int fraction_bits);

// The min(k, classes) best classes, best first; of equal logits the lower class comes first.
std::vector<Prediction> top_k(std::span<const std::int32_t> logits, int fraction_bits, int k);

}  // namespace intvit
