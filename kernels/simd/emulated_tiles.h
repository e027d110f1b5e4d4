// The tile registers of amx_tiles.h in plain C++, with which the tests run all the rest of the AMX kernels on CPUs that
// have none. What the instructions refuse is a trap here too.
#pragma once

#include <cstring>

#include "kernels/simd/amx_tiles.h"

namespace intvit::kernels {
namespace {

struct EmulatedTiles {
  struct Tile {
    int rows, row_bytes;
    std::uint8_t bytes[kTileRows][kTileRowBytes];  // zero beyond its shape
  };
  static inline thread_local Tile tiles[kTiles];

  static void require(bool condition) {
    if (!condition) __builtin_trap();
  }
  static Tile& shaped(int tile) {
    require(tiles[tile].rows > 0 && tiles[tile].row_bytes > 0);
    return tiles[tile];
  }

  static void configure(const TileShapes& shapes) {
    require(shapes.palette == 1 && shapes.start_row == 0);
    release();
    for (int i = 0; i < kTiles; ++i) {
      require(shapes.rows[i] <= kTileRows && shapes.row_bytes[i] <= kTileRowBytes);
      tiles[i].rows = shapes.rows[i];
      tiles[i].row_bytes = shapes.row_bytes[i];
    }
  }
  static void release() { std::memset(tiles, 0, sizeof tiles); }

  template <int kTile>
  static void zero() {
    std::memset(shaped(kTile).bytes, 0, sizeof(Tile::bytes));
  }
  template <int kTile>
  static void load(const void* rows, std::ptrdiff_t stride) {
    zero<kTile>();
    Tile& tile = shaped(kTile);
    for (int r = 0; r < tile.rows; ++r) {
      std::memcpy(tile.bytes[r], static_cast<const std::uint8_t*>(rows) + r * stride,
                  static_cast<std::size_t>(tile.row_bytes));
    }
  }
  template <int kTile>
  static void store(void* rows, std::ptrdiff_t stride) {
    const Tile& tile = shaped(kTile);
    for (int r = 0; r < tile.rows; ++r) {
      std::memcpy(static_cast<std::uint8_t*>(rows) + r * stride, tile.bytes[r],
                  static_cast<std::size_t>(tile.row_bytes));
    }
  }
  template <int kSums, int kCodes, int kWeights>
  static void dot_u8s8() {
    Tile& sums = shaped(kSums);
    const Tile& codes = shaped(kCodes);
    const Tile& weights = shaped(kWeights);
    require(kSums != kCodes && kSums != kWeights && kCodes != kWeights);
    require(sums.rows == codes.rows && sums.row_bytes == weights.row_bytes && codes.row_bytes == 4 * weights.rows);
    for (int r = 0; r < sums.rows; ++r) {
      for (int c = 0; c < sums.row_bytes; c += 4) {
        std::uint32_t sum;
        std::memcpy(&sum, sums.bytes[r] + c, sizeof sum);
        for (int k = 0; k < codes.row_bytes; ++k) {
          const int product = codes.bytes[r][k] * static_cast<std::int8_t>(weights.bytes[k / 4][c + k % 4]);
          sum += static_cast<std::uint32_t>(product);
        }
        std::memcpy(sums.bytes[r] + c, &sum, sizeof sum);
      }
    }
  }
};

}  // namespace
}  // namespace intvit::kernels
