// The time by which threads are measured.
#pragma once

#include <chrono>
#include <cstdint>

namespace intvit {

// Of the steady clock; never 0.
inline std::uint64_t now_nanoseconds() {
  return static_cast<std::uint64_t>(std::chrono::steady_clock::now().time_since_epoch().count());
}

}  // namespace intvit
