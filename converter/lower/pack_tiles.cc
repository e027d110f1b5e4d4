#include "converter/lower/pack_tiles.h"

#include "kernels/gemm/tiles.h"

namespace intvit {

std::vector<std::uint8_t> pack_tiles(const QuantizedWeights& weights, int depth, std::span<const int> placement) {
  std::vector<std::uint8_t> tiles(kernels::tile_bytes(weights.n, depth, weights.stored_bits()), 0);
  const auto put_nibble = [&](int column, int position, int code) {
    const kernels::NibblePosition at = kernels::nibble_position(column, position, depth);
    const int shift = at.high ? 4 : 0;
    tiles[at.byte] = static_cast<std::uint8_t>((tiles[at.byte] & ~(15 << shift)) | code << shift);
  };
  for (int column = 0; column < weights.n; ++column) {
    if (weights.stored_bits() == 4) {
      // The code that means zero, in every position that no input is read from.
      for (int position = 0; position < depth; ++position) {
        put_nibble(column, position, weights.zero_points[static_cast<std::size_t>(column)]);
      }
    }
    for (int i = 0; i < weights.k; ++i) {
      const int position = placement[static_cast<std::size_t>(i)];
      const int code = weights.codes[static_cast<std::size_t>(column) * static_cast<std::size_t>(weights.k) +
                                     static_cast<std::size_t>(i)];
      if (weights.stored_bits() == 4) {
        put_nibble(column, position, code);
      } else {
        const int zero_point = weights.zero_points[static_cast<std::size_t>(column)];
        tiles[kernels::tile_offset(column, position, depth)] = static_cast<std::uint8_t>(code - zero_point);
      }
    }
  }
  return tiles;
}

}  // namespace intvit
