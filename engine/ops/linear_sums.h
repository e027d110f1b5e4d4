// That no sum of a linear or a conv leaves 32 bits, whatever codes it reads: the reader's proof, from the weights and
// the biases themselves where their number alone does not tell.
#pragma once

#include "engine/ops/linear_constants.h"

namespace intvit {

// Of weights that check_linear() has passed. A row has so many inputs, of values from 0 to `highest`.
void check_linear_sums(Checker& c, const LinearConstants& l, std::uint32_t inputs, std::uint32_t highest);

}  // namespace intvit
