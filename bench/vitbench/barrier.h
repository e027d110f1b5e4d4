// What it takes the threads of a team to meet. Cores may be near to each other or far, and a virtual machine may be
// moved from one kind to the other: this says which kind times of several threads belong to.
#pragma once

#include <optional>

namespace intvit::bench {

// Nanoseconds of one meeting, the median of 25 tries of about half a millisecond; none for one thread, or where so many
// cannot be started. Leaves no thread behind.
std::optional<double> measure_barrier(int threads);

}  // namespace intvit::bench
