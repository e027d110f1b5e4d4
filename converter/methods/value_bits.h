// The knob value_bits: how finely the values that codes stand for are rounded (docs/quantizers.md, grids).
#pragma once

#include <algorithm>

#include "converter/methods/method.h"

namespace intvit {

// Sixteen levels lose next to nothing on a grid of 8 bits, which the multiplication reads in one byte plane; more
// levels lie closer to each other.
inline int value_bits(const MethodInput& input) {
  const int chosen = static_cast<int>(input.knobs.get("value_bits"));
  if (chosen == 0) return input.activation_bits <= 4 ? 8 : 12;
  return std::max(chosen, 8);
}

// Softmax codes with these values, whose table is still to be chosen.
inline SoftmaxScheme softmax_codes(const MethodInput& input, SoftmaxKind kind) {
  SoftmaxScheme scheme;
  scheme.codes = kind;
  scheme.bits = input.activation_bits;
  scheme.value_bits = value_bits(input);
  return scheme;
}

}  // namespace intvit
