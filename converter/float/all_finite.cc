#include <algorithm>
#include <cmath>

#include "converter/float/finite.h"

namespace intvit {

bool all_finite(const float* values, std::size_t count) {
  return std::all_of(values, values + count, [](float value) { return std::isfinite(value); });
}

}  // namespace intvit
