// Encode operations of tiny programs.
#pragma once

#include <string>

#include "bench/common/random.h"
#include "engine/ops/encode.h"
#include "tests/engine/tiny_program.h"

namespace intvit::test {

// All of it but its buffers; `rows` of values in the scale values_scale(encoding).
EncodeOp tiny_encode(TinyProgram& tiny, const std::string& name, const TinyEncoding& encoding, std::uint32_t rows,
                     Random& random);

}  // namespace intvit::test
