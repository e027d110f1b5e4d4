// The table with the least squared error for given values: Lloyd's alternation between nearest levels and means (IEEE
// Trans. Inf. Theory 1982), from equally frequent values on.
#pragma once

#include <span>

#include "converter/plan/scheme.h"
#include "converter/quantizers/clip_search.h"

namespace intvit {

// 2^bits levels, fewer if there are fewer distinct values.
TableScheme least_square_levels(std::span<const float> values, int bits);

// The same where values count by weights >= 0.
TableScheme least_square_levels(std::span<const WeightedValue> values, int bits);

}  // namespace intvit
