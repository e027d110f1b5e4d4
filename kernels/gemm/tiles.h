// Where a weight lies. One layout serves every instruction set, and it is the file's own, so nothing is repacked:
//
//   panel (16 columns) > group (4 consecutive k) > column (16) > k within the group (4)
//
// so that one group of one panel is 64 bytes: a zmm register for vpdpbusd, two ymm for AVX2 and AVX-VNNI, and 16 groups
// are one AMX tile. K is padded with zero weights to a multiple of 64 and N to whole panels.
//
// 4-bit weights lie as two groups in 64 bytes: the even group in the low nibbles, the odd group in the high ones, each
// nibble an unsigned number 0..15 from which the column's own zero point (0..15) is taken off. The difference counts
// sixteen times, w = 16 * (nibble - zero point): so sums are as fine-grained as those of 8-bit weights, and
// requantization, whose factor must be below 1, suits both.
#pragma once

#include <cstddef>
#include <cstdint>

namespace intvit::kernels {

inline constexpr int kPanelColumns = 16;
inline constexpr int kGroupDepth = 4;
inline constexpr int kGroupBytes = kPanelColumns * kGroupDepth;
inline constexpr int kDepthPadding = 64;
inline constexpr int kNibbleShift = 4;  // sums of 4-bit weights are shifted left by this

constexpr int padded_depth(int k) { return (k + kDepthPadding - 1) / kDepthPadding * kDepthPadding; }
constexpr int whole_groups(int k) { return (k + kGroupDepth - 1) / kGroupDepth * kGroupDepth; }
constexpr int panel_count(int n) { return (n + kPanelColumns - 1) / kPanelColumns; }
constexpr int padded_columns(int n) { return panel_count(n) * kPanelColumns; }

// Bytes of all tiles of an n x k weight matrix with 8- or 4-bit entries.
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

// The same among 4-bit tiles: which byte, and whether it is the high nibble.
struct NibblePosition {
  std::size_t byte;
  bool high;
};

constexpr NibblePosition nibble_position(int column, int k, int depth) {
  const int group = k / kGroupDepth;
  const std::size_t panel =
      static_cast<std::size_t>(column / kPanelColumns) * kPanelColumns * static_cast<std::size_t>(depth) / 2;
  return {panel + static_cast<std::size_t>(group / 2) * kGroupBytes +
              static_cast<std::size_t>(column % kPanelColumns) * kGroupDepth +
              static_cast<std::size_t>(k % kGroupDepth),
          group % 2 == 1};
}

}  // namespace intvit::kernels
