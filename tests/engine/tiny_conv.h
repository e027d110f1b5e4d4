// A convolution of patches, for tests/engine/tiny_program.h.
#pragma once

#include "bench/common/random.h"
#include "tests/engine/tiny_program.h"

namespace intvit::test {

// Norms the patches of `stream`, the rows behind `prefix`, puts a cell of padding behind every row of their grid,
// convolves them twice, 3 x 3 to codes and 2 x 2 to values, and adds what comes out to the stream.
void add_tiny_conv(TinyProgram& tiny, const TinyOptions& options, BufferId stream, std::uint32_t prefix,
                   Random& random);

// s16 [dst's rows][its stride] in [-limit, limit].
ConstantId tiny_row_constants(TinyProgram& tiny, const std::string& name, BufferId dst, std::int64_t limit,
                              Random& random);

// A code for every column.
ConstantId tiny_pad_cell(TinyProgram& tiny, const std::string& name, std::uint32_t columns, Random& random);

}  // namespace intvit::test
