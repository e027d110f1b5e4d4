// The multiply-accumulates that this machine can do at most, measured on the spot: clocks and neighbours differ.
#pragma once

#include <optional>
#include <string>

#include "engine/program/program.h"
#include "intvit/isa.h"

namespace intvit::bench {

// Billions of multiply-accumulates per second of all threads together, by the bits of the weights.
struct Peak {
  double weights8 = 0;
  double weights4 = 0;
  std::string instruction8;
  std::string instruction4;
};

// The best of several tries of some milliseconds on that many threads; none if the instruction set has no peak of its
// own (bench/peak/peak_loops.h). The CPU must support it. Leaves no thread behind.
std::optional<Peak> measure_peak(Isa isa, int threads);

// Milliseconds that the model's multiply-accumulates for one picture would take at the peak, and nothing else.
double milliseconds_at_peak(const Program& program, const Peak& peak);

}  // namespace intvit::bench
