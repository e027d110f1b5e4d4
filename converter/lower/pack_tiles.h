// Integer weights -> the tiles that kernels read (kernels/gemm/tiles.h).
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "converter/weights/quantize.h"

namespace intvit {

// Tiles of n x k weights. Input i of the layer is read from position `placement(i)` of a source row of `depth` codes
// (normally i itself; a row of several padded pieces has gaps, whose weights are zero).
std::vector<std::uint8_t> pack_tiles(const QuantizedWeights& weights, int depth, std::span<const int> placement);

}  // namespace intvit
