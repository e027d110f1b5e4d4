// The eight tile registers of AMX, by numbers that are known at compile time. In memory a tile is rows of up to 64
// bytes that lie `stride` bytes apart.
//
// Inline assembly, because gcc 12's intrinsics do not tell the compiler which memory they read and write.
#pragma once

#include <cstddef>
#include <cstdint>

namespace intvit::kernels {
namespace {

inline constexpr int kTiles = 8;
inline constexpr int kTileRows = 16;
inline constexpr int kTileRowBytes = 64;

// As ldtilecfg wants it.
struct TileShapes {
  std::uint8_t palette = 1;
  std::uint8_t start_row = 0;
  std::uint8_t reserved[14] = {};
  std::uint16_t row_bytes[16] = {};  // of the tiles, which are half as many
  std::uint8_t rows[16] = {};
};
static_assert(sizeof(TileShapes) == 64);

struct Tiles {
  // From here to release() tiles can be used. All are zero.
  static void configure(const TileShapes& shapes) { asm volatile("ldtilecfg %0" : : "m"(shapes)); }
  static void release() { asm volatile("tilerelease"); }

  template <int kTile>
  static void zero() {
    asm volatile("tilezero %%tmm%c0" : : "i"(kTile));
  }
  template <int kTile>
  static void load(const void* rows, std::ptrdiff_t stride) {
    asm volatile("tileloadd (%0,%1,1), %%tmm%c2" : : "r"(rows), "r"(stride), "i"(kTile) : "memory");
  }
  template <int kTile>
  static void store(void* rows, std::ptrdiff_t stride) {
    asm volatile("tilestored %%tmm%c2, (%0,%1,1)" : : "r"(rows), "r"(stride), "i"(kTile) : "memory");
  }
  // sums[r][c] += sum over k of codes[r][k] * weights[k / 4][c][k % 4], u8 x s8 -> s32, modulo 2^32.
  template <int kSums, int kCodes, int kWeights>
  static void dot_u8s8() {
    asm volatile("tdpbusd %%tmm%c2, %%tmm%c1, %%tmm%c0" : : "i"(kSums), "i"(kCodes), "i"(kWeights));
  }
};

}  // namespace
}  // namespace intvit::kernels
