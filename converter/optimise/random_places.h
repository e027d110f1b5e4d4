// Random numbers that do not depend on who asks first.
#pragma once

#include <cstdint>

namespace intvit {

// SplitMix64 (Steele et al. 2014): the number of a place.
inline std::uint64_t random_at(std::uint64_t place) {
  place += 0x9E3779B97F4A7C15u;
  place = (place ^ (place >> 30)) * 0xBF58476D1CE4E5B9u;
  place = (place ^ (place >> 27)) * 0x94D049BB133111EBu;
  return place ^ (place >> 31);
}

}  // namespace intvit
