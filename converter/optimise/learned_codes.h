// The values that an activation's codes stand for, while they are learned: scales of uniform codes (LSQ, Esser et al.
// 2020), one per tensor, head or token, and the levels of tables. Which values get which code of a table stays.
#pragma once

#include <vector>

#include "converter/optimise/adam.h"
#include "converter/plan/scheme.h"

namespace intvit {

// Of all schemes of a tensor, one after another.
using CodeGradient = std::vector<double>;

CodeGradient zero_gradient(const ActivationSchemes& schemes);

// Adds what the gradient of the values `seen`, which stand for `exact`, rows x columns of one picture, says of the
// schemes: of a scale with respect to its logarithm, of a level with respect to itself.
void add_code_gradient(const ActivationSchemes& schemes, const float* exact, const float* seen, int rows, int columns,
                       const float* gradient, CodeGradient& sum);

class LearnedCodes {
 public:
  explicit LearnedCodes(const ActivationSchemes& start) : adam_(zero_gradient(start).size()) {}

  // One step of Adam against the gradient.
  void learn(const CodeGradient& gradient, const AdamStep& step, ActivationSchemes& schemes);

 private:
  std::vector<Adam> adam_;
};

}  // namespace intvit
