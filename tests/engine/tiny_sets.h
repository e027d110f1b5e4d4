// Attention in sets, with pad rows and a bias, for tests/engine/tiny_program.h.
#pragma once

#include <string>

#include "bench/common/random.h"
#include "engine/ops/attention.h"
#include "tests/engine/tiny_program.h"

namespace intvit::test {

struct TinySets {
  std::uint32_t rows;
  std::uint32_t local;  // rows of a set, in order; 0: of several sizes, in a random order, some with a pad row
};

// op.heads, its parameters and its softmax are to be set before.
void set_tiny_sets(TinyProgram& tiny, const std::string& name, const TinySets& shape, std::uint32_t max_code,
                   Random& random, AttentionOp& op);

}  // namespace intvit::test
