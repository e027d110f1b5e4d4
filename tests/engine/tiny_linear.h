// Weights of tiny programs.
#pragma once

#include <string>

#include "bench/common/random.h"
#include "engine/ops/linear.h"
#include "tests/engine/tiny_program.h"
#include "tests/engine/tiny_scale.h"

namespace intvit::test {

struct TinyWeights {
  std::uint32_t inputs, outputs, bits;
  std::uint32_t row_inputs;  // the inputs lie in pieces of so many, each padded to a multiple of 64
  TinyScale source;
  Epilogue kind;
  double sigma, centre;  // of the result
};

// Random weights, requantized such that results have the deviation and the mean that are wanted, roughly.
LinearConstants tiny_linear(TinyProgram& tiny, const std::string& name, const TinyWeights& weights, Random& random);

}  // namespace intvit::test
