// The smallest and the largest of a model's constants, in a file of its own: these loops see every entry whenever a
// model is opened, so they are compiled to be vectors where the checks around them are compiled for size.
#pragma once

#include <cstdint>
#include <span>

namespace intvit {

template <typename T>
struct Extremes {
  T lowest, highest;
};

// Of at least one value.
Extremes<std::uint8_t> extremes(std::span<const std::uint8_t> values);
Extremes<std::int16_t> extremes(std::span<const std::int16_t> values);
Extremes<std::int32_t> extremes(std::span<const std::int32_t> values);

}  // namespace intvit
