#include "engine/ops/extremes.h"

#include <algorithm>

namespace intvit {
namespace {

template <typename T>
Extremes<T> extremes_of(std::span<const T> values) {
  T lowest = values[0], highest = values[0];
  for (const T value : values) {  // compilers make vectors of this, not of std::minmax_element
    lowest = std::min(lowest, value);
    highest = std::max(highest, value);
  }
  return {lowest, highest};
}

}  // namespace

Extremes<std::uint8_t> extremes(std::span<const std::uint8_t> values) { return extremes_of(values); }
Extremes<std::int16_t> extremes(std::span<const std::int16_t> values) { return extremes_of(values); }
Extremes<std::int32_t> extremes(std::span<const std::int32_t> values) { return extremes_of(values); }

}  // namespace intvit
