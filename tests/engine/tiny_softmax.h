// Softmax tables of tiny programs.
#pragma once

#include <string>

#include "bench/common/random.h"
#include "engine/ops/attention.h"
#include "tests/engine/tiny_program.h"

namespace intvit::test {

// Tables for all heads of `op`: logarithmic, with a step of its own for each head.
void set_tiny_softmax(TinyProgram& tiny, const std::string& name, const TinySoftmax& softmax, Random& random,
                      AttentionOp& op);

}  // namespace intvit::test
