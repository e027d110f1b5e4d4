// Where a weight lies. One layout serves every instruction set, and it is the file's own, so nothing is repacked:
//
//   panel (16 columns) > group (4 consecutive k) > column (16) > k within the group (4)
//
// so that one group of one panel is 64 bytes: a zmm register for vpdpbusd, two ymm for AVX2 and AVX-VNNI, and 16 groups
// are one AMX tile. K is padded with zero weights to a multiple of 64 and N to whole panels.
//
// Weights of fewer bits are unsigned numbers from which the column's own zero point is taken off. The difference counts
// sixteen times, w = 16 * (number - zero point): so sums are as fine-grained as those of 8-bit weights, and
// requantization, whose factor must be below 1, suits all. Several groups share 64 bytes:
//
//   4 bits   two, the even group in the low nibbles and the odd one in the high ones
//   2 bits   four, the even groups in the low nibbles and the odd ones in the high ones, each pair two bits further up
//   3 bits   a plane of the numbers' low two bits for the whole panel, then one of their highest bit, in which eight
//            groups share 64 bytes: as with 2 bits, each pair one bit further up
//
// So a few shifts and masks make nibbles of numbers of 2 and 3 bits (unpacked_weights.h).
#pragma once

#include <cstddef>
#include <cstdint>

namespace intvit::kernels {

inline constexpr int kPanelColumns = 16;
inline constexpr int kGroupDepth = 4;
inline constexpr int kGroupBytes = kPanelColumns * kGroupDepth;
inline constexpr int kDepthPadding = 64;
inline constexpr int kNibbleShift = 4;  // sums of weights of fewer than 8 bits are shifted left by this

constexpr int padded_depth(int k) { return (k + kDepthPadding - 1) / kDepthPadding * kDepthPadding; }
constexpr int whole_groups(int k) { return (k + kGroupDepth - 1) / kGroupDepth * kGroupDepth; }
constexpr int panel_count(int n) { return (n + kPanelColumns - 1) / kPanelColumns; }
constexpr int padded_columns(int n) { return panel_count(n) * kPanelColumns; }

// Bytes of all tiles of an n x k weight matrix with entries of 8, 4, 3 or 2 bits.
constexpr std::size_t tile_bytes(int n, int k, int bits) {
  return static_cast<std::size_t>(padded_columns(n)) * static_cast<std::size_t>(padded_depth(k)) *
         static_cast<std::size_t>(bits) / 8;
}

// Byte offset of weight (column, k) among 8-bit tiles; `depth` is padded_depth(K).
constexpr std::size_t tile_offset(int column, int k, int depth) {
  return static_cast<std::size_t>(column / kPanelColumns) * kPanelColumns * static_cast<std::size_t>(depth) +
         static_cast<std::size_t>(k / kGroupDepth) * kGroupBytes +
         static_cast<std::size_t>(column % kPanelColumns) * kGroupDepth + static_cast<std::size_t>(k % kGroupDepth);
}

// Where the bits of a number lie in a plane of 4, 2 or 1 bits, whose panels are panel_bytes apart.
struct PlanePosition {
  std::size_t byte;
  int shift;
};

constexpr PlanePosition plane_position(int column, int k, int bits, std::size_t panel_bytes) {
  const int group = k / kGroupDepth, groups = 8 / bits, among = group % groups;
  return {static_cast<std::size_t>(column / kPanelColumns) * panel_bytes +
              static_cast<std::size_t>(group / groups) * kGroupBytes +
              static_cast<std::size_t>(column % kPanelColumns) * kGroupDepth +
              static_cast<std::size_t>(k % kGroupDepth),
          among % 2 * 4 + among / 2 * bits};
}

// Objects for different CPUs share no copy of what follows.
namespace {

// Calls visit(position, bits, shift of these bits in the number) for each plane in which tiles of 4, 3 or 2 bits have a
// part of the number of (column, k).
template <typename Visit>
[[maybe_unused]] constexpr void for_each_part(int bits, int column, int k, int depth, Visit&& visit) {
  const std::size_t panel_bytes = tile_bytes(kPanelColumns, depth, bits);
  PlanePosition at = plane_position(column, k, bits == 3 ? 2 : bits, panel_bytes);
  visit(at, bits == 3 ? 2 : bits, 0);
  if (bits != 3) return;
  at = plane_position(column, k, 1, panel_bytes);
  at.byte += tile_bytes(kPanelColumns, depth, 2);
  visit(at, 1, 2);
}

// The number of (column, k) among tiles of 4, 3 or 2 bits.
[[maybe_unused]] constexpr int stored_number(const std::uint8_t* tiles, int bits, int column, int k, int depth) {
  int number = 0;
  for_each_part(bits, column, k, depth, [&](PlanePosition at, int part, int shift) {
    number |= (tiles[at.byte] >> at.shift & ((1 << part) - 1)) << shift;
  });
  return number;
}

[[maybe_unused]] constexpr void store_number(std::uint8_t* tiles, int bits, int column, int k, int depth, int number) {
  for_each_part(bits, column, k, depth, [&](PlanePosition at, int part, int shift) {
    const int mask = (1 << part) - 1;
    tiles[at.byte] =
        static_cast<std::uint8_t>((tiles[at.byte] & ~(mask << at.shift)) | (number >> shift & mask) << at.shift);
  });
}

}  // namespace

}  // namespace intvit::kernels
