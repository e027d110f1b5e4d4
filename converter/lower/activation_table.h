// The table of delta(t) = max(t, 0) - act(t) on which kernels/activation/gated_activation.h is built, for the
// activation functions of the networks.
#pragma once

#include <cstdint>
#include <vector>

#include "models/activation.h"

namespace intvit {

struct ActivationTable {
  std::vector<std::int16_t> entries;  // [2][64]: base, slope
  int fraction_bits = 0;              // x is in units of 2^-fraction_bits
  int segment_bits = 0;
};

// `magnitude` is the largest |x| that must be representable (with room to spare: what lies beyond saturates);
// `coarsest_step` bounds the unit of x from below (requantization factors stay below 1).
ActivationTable make_activation_table(Activation activation, double magnitude, double coarsest_step);

// The activation function itself, in double.
double activation_value(Activation activation, double x);

}  // namespace intvit
