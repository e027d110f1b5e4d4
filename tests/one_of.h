// How much of very many similar things a test tries.
#pragma once

#include <cstdint>
#include <cstdlib>

namespace intvit::test {

// Sanitizers make tests some ten times as slow, so there they try one of so many, unless the environment has
// INTVIT_ALL_CASES; everywhere else all.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
inline const int kOneOf = std::getenv("INTVIT_ALL_CASES") != nullptr ? 1 : 5;
#else
inline constexpr int kOneOf = 1;
#endif

// Whether the number-th of many things is tried. Which ones follow no pattern, lest loops within loops leave out all
// things of a kind.
inline bool is_tried(std::uint64_t number) {
  return (number * 0x9E3779B97F4A7C15u >> 32) % static_cast<std::uint64_t>(kOneOf) == 0;
}

}  // namespace intvit::test
