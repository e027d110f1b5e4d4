// As many multiply-accumulates as an instruction set can do, on nothing but registers: the ceiling that a benchmark
// compares a model with. No model executes these loops.
//
// A loop uses the instructions that the linears of its instruction set multiply with, on enough independent sums to
// hide their latency. Its disassembly shows whether it is right: the loop must not touch memory, scalar's excepted.
#pragma once

#include <cstdint>

#include "intvit/isa.h"

namespace intvit::bench {

struct PeakLoop {
  const char* instruction;      // "vpdpbusd zmm"
  std::int64_t macs_per_round;  // multiply-accumulates
  // All factors are 1, so that the sum of the products, which is returned modulo 2^32, counts them.
  std::uint32_t (*run)(std::int64_t rounds) noexcept;
};

// By the bits of the weights: narrow weights may allow an instruction that would saturate with others.
struct PeakLoops {
  PeakLoop weights8;
  PeakLoop weights4;
};

// Null if the instruction set has no loops of its own or is not built. A lower set's peak would be too low for it.
const PeakLoops* peak_loops(Isa isa);

}  // namespace intvit::bench
