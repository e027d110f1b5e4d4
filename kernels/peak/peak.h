// peak: as many multiply-accumulates as an instruction set can do, on nothing but registers: the ceiling that a
// benchmark compares a model with. No model executes it.
//
// A variant uses the instructions that the linears of its instruction set multiply with, on enough independent sums to
// hide their latency. An instruction set without a variant of its own has no known peak: the one of a lower set, which
// the table falls back to, would be too low (compare KernelTable::peak_isa). Look at the loop's disassembly: it must
// not touch memory.
#pragma once

#include <cstdint>

namespace intvit::kernels {

struct PeakLoop {
  const char* instruction;      // "vpdpbusd zmm"
  std::int64_t macs_per_round;  // multiply-accumulates
  // All factors are 1, so that the sum of the products, which is returned modulo 2^32, counts them.
  std::uint32_t (*run)(std::int64_t rounds) noexcept;
};

// By the bits of the weights: narrow weights may allow an instruction that would saturate with others.
struct PeakKernels {
  PeakLoop weights8;
  PeakLoop weights4;
};

}  // namespace intvit::kernels
