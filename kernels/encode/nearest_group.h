// Groups of channels that share a quantizer, chosen for every picture: a channel belongs to the group whose range is
// the nearest to its own.
#pragma once

#include <cstdint>

namespace intvit::kernels {
namespace {

// (a - b)^2. Two of them add up to less than 2^64, whatever a is.
[[maybe_unused]] constexpr std::uint64_t squared_distance(std::int32_t a, std::int16_t b) noexcept {
  const std::int64_t difference = std::int64_t{a} - b;
  return static_cast<std::uint64_t>(difference) * static_cast<std::uint64_t>(difference);
}

// The g of the smallest (lowest - group_lowest[g])^2 + (highest - group_highest[g])^2, the first of equals.
[[maybe_unused]] constexpr int nearest_group(std::int32_t lowest, std::int32_t highest,
                                             const std::int16_t* group_lowest, const std::int16_t* group_highest,
                                             int groups) noexcept {
  int nearest = 0;
  std::uint64_t nearest_distance = ~std::uint64_t{0};
  for (int g = 0; g < groups; ++g) {
    const std::uint64_t distance =
        squared_distance(lowest, group_lowest[g]) + squared_distance(highest, group_highest[g]);
    if (distance < nearest_distance) {
      nearest = g;
      nearest_distance = distance;
    }
  }
  return nearest;
}

}  // namespace
}  // namespace intvit::kernels
