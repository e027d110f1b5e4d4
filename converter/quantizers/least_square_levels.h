// The table with the least squared error for given values: Lloyd's alternation between nearest levels and means, from
// equally frequent values on.
#pragma once

#include <span>

#include "converter/plan/scheme.h"

namespace intvit {

// 2^bits levels, fewer if there are fewer distinct values.
TableScheme least_square_levels(std::span<const float> values, int bits);

}  // namespace intvit
