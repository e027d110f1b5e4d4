// Tiny programs (tests/engine/tiny_options.h) of every operation and kind, in random combinations and sizes.
#pragma once

#include "bench/common/random.h"
#include "tests/engine/tiny_options.h"

namespace intvit::test {

// Those of a valid program.
TinyOptions generated_options(Random& random);

}  // namespace intvit::test
