#include "converter/lower/pack_tiles.h"

#include "kernels/gemm/tiles.h"

namespace intvit {

std::vector<std::uint8_t> pack_tiles(const QuantizedWeights& weights, int depth, std::span<const int> placement) {
  const int bits = weights.stored_bits();
  std::vector<std::uint8_t> tiles(kernels::tile_bytes(weights.n, depth, bits), 0);
  const auto put_number = [&](int column, int position, int code) {
    kernels::store_number(tiles.data(), bits, column, position, depth, code);
  };
  for (int column = 0; column < weights.n; ++column) {
    if (bits != 8) {
      // The code that means zero, in every position that no input is read from.
      for (int position = 0; position < depth; ++position) {
        put_number(column, position, weights.zero_points[static_cast<std::size_t>(column)]);
      }
    }
    for (int i = 0; i < weights.k; ++i) {
      const int position = placement[static_cast<std::size_t>(i)];
      const int code = weights.codes[static_cast<std::size_t>(column) * static_cast<std::size_t>(weights.k) +
                                     static_cast<std::size_t>(i)];
      if (bits != 8) {
        put_number(column, position, code);
      } else {
        const int zero_point = weights.zero_points[static_cast<std::size_t>(column)];
        tiles[kernels::tile_offset(column, position, depth)] = static_cast<std::uint8_t>(code - zero_point);
      }
    }
  }
  return tiles;
}

}  // namespace intvit
