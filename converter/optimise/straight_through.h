// What a quantizer does to a gradient: it lets it pass where a value is inside the quantizer's range and stops it where
// the value is clamped (straight-through estimation, Bengio et al. 2013).
#pragma once

#include "converter/plan/scheme.h"

namespace intvit {

// `gradient`, rows x columns, of the values of `schemes` (one, or one per head) becomes that of `exact`, which they
// stand for.
void pass_straight_through(const ActivationSchemes& schemes, const float* exact, int rows, int columns,
                           float* gradient);

}  // namespace intvit
