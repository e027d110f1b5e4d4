// The values that an activation's codes stand for, while they are learned: scales of uniform codes (LSQ, Esser et al.
// 2020), one per tensor, head or token, and the levels of tables. Which values get which code of a table stays.
#pragma once

#include <algorithm>
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

// All that is learned of the schemes, through a stream (state_stream.h).
template <typename Stream>
void visit_learned(Stream& stream, ActivationSchemes& schemes) {
  const auto scale = [&stream](UniformScheme& scheme) {
    stream(scheme.scale);
    stream.require(scheme.scale > 0);
  };
  for (ActivationScheme& scheme : schemes) {
    if (scheme.kind == CodeKind::uniform) scale(scheme.grid);
    if (scheme.kind == CodeKind::token) std::ranges::for_each(scheme.parts, scale);
    if (scheme.kind != CodeKind::table) continue;
    std::vector<double>& levels = scheme.table.levels;
    stream(levels);
    stream.require(std::ranges::is_sorted(levels) && levels.front() >= scheme.grid.lowest() &&
                   levels.back() <= scheme.grid.highest());
  }
}

class LearnedCodes {
 public:
  explicit LearnedCodes(const ActivationSchemes& start) : adam_(zero_gradient(start).size()) {}

  // One step of Adam against the gradient.
  void learn(const CodeGradient& gradient, const AdamStep& step, ActivationSchemes& schemes);

  // What is remembered of earlier steps, through a stream (state_stream.h).
  template <typename Stream>
  void visit_state(Stream& stream) {
    stream(adam_);
  }

 private:
  std::vector<Adam> adam_;
};

}  // namespace intvit
