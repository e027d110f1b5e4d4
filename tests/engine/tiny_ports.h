// Tiny programs with outputs of every type: `logits` (s32), `embedding` (u8), and `tokens` and `features` (s16), which
// show rows of one buffer.
#pragma once

#include "tests/engine/tiny_program.h"

namespace intvit::test {

TinyProgram with_four_outputs(const TinyOptions& options = {});

// The same without a head.
TinyProgram without_logits(const TinyOptions& options = {});

}  // namespace intvit::test
