// Weights of 3 and 2 bits, which kernels for 4-bit ones multiply: block by block of columns, panels become nibbles in
// scratch. That is a few instructions for 128 weights, and all rows of a call share them.
//
// Words of 8 bytes are plain C++, of which compilers make vectors of any instruction set.
#pragma once

#include <algorithm>
#include <cstring>

#include "kernels/gemm/linear.h"

namespace intvit::kernels {
namespace {

// In every byte of a word.
constexpr std::uint64_t in_every_byte(std::uint8_t bits) { return 0x0101010101010101u * bits; }

inline std::uint64_t load_word(const std::uint8_t* p) {
  std::uint64_t word;
  std::memcpy(&word, p, sizeof word);
  return word;
}

// Eight groups: 128 bytes of a plane of 2 bits and, with kThree, 64 bytes of the plane of third bits -> 256 bytes of
// nibbles (kernels/gemm/tiles.h).
template <bool kThree>
void unpack_groups(const std::uint8_t* low_bits, [[maybe_unused]] const std::uint8_t* third_bits,
                   std::uint8_t* nibbles) {
  constexpr std::uint64_t kLow = in_every_byte(0x33), kThird = in_every_byte(0x44);
  for (int i = 0; i < kGroupBytes; i += 8) {
    const std::uint64_t first = load_word(low_bits + i), second = load_word(low_bits + kGroupBytes + i);
    std::uint64_t words[4] = {first & kLow, first >> 2 & kLow, second & kLow, second >> 2 & kLow};
    if constexpr (kThree) {
      const std::uint64_t third = load_word(third_bits + i);
      words[0] |= third << 2 & kThird;
      words[1] |= third << 1 & kThird;
      words[2] |= third & kThird;
      words[3] |= third >> 1 & kThird;
    }
    for (int pair = 0; pair < 4; ++pair) std::memcpy(nibbles + pair * kGroupBytes + i, &words[pair], 8);
  }
}

template <bool kThree>
__attribute__((noinline)) void unpack_panel(const std::uint8_t* tiles, int k, std::uint8_t* nibbles) {
  constexpr int kDepth = 8 * kGroupDepth;
  static_assert(kDepthPadding % kDepth == 0);
  const std::uint8_t* third_bits = tiles + tile_bytes(kPanelColumns, k, 2);
  for (int left = k; left > 0; left -= kDepth) {
    unpack_groups<kThree>(tiles, third_bits, nibbles);
    tiles += 2 * kGroupBytes;
    third_bits += kGroupBytes;
    nibbles += 4 * kGroupBytes;
  }
}

inline std::ptrdiff_t result_bytes(Epilogue epilogue) {
  switch (epilogue) {
    case Epilogue::codes:
    case Epilogue::activation:
      return 1;
    case Epilogue::residual:
    case Epilogue::values:
    case Epilogue::activation_values:
      return 2;
    case Epilogue::logits:
    case Epilogue::accumulators:
      break;
  }
  return 4;
}

// The same multiplication of the columns from `column` on, as many as `weights` has.
inline LinearArgs columns_of(const LinearArgs& args, int column, const LinearWeights& weights) {
  LinearArgs part = args;
  part.weights = weights;
  const auto advance = [&](auto*& p) {
    if (p != nullptr) p += column;
  };
  advance(part.requantizer.bias);
  advance(part.requantizer.shift);
  advance(part.requantizer.multiplier);
  advance(part.residual);
  advance(part.coarse_power);
  advance(part.coarse_unit);
  advance(part.logit_multiplier);
  advance(part.logit_shift);
  part.dst = static_cast<std::uint8_t*>(args.dst) + column * result_bytes(args.epilogue);
  return part;
}

// Calls run(args), as it is or, for weights of 3 and 2 bits, once for each block of columns with nibbles.
inline void run_unpacked(const LinearArgs& args, void (*run)(const LinearArgs&) noexcept) noexcept {
  const LinearWeights& packed = args.weights;
  if (packed.bits >= 4) return run(args);
  auto* const nibbles = static_cast<std::uint8_t*>(args.scratch);
  const std::size_t panel_bytes = tile_bytes(kPanelColumns, packed.k, packed.bits);
  const std::size_t nibble_bytes = tile_bytes(kPanelColumns, packed.k, 4);
  const auto unpack = packed.bits == 3 ? unpack_panel<true> : unpack_panel<false>;
  const std::uint8_t* tiles = packed.tiles;
  for (int column = 0; column < packed.n; column += kUnpackedColumns) {
    LinearWeights block = packed;
    block.tiles = nibbles;
    block.zero_points += column;
    block.bits = 4;
    block.n = std::min(kUnpackedColumns, packed.n - column);
    block.just_packed = true;
    block.largest = (1 << packed.bits) - 1;
    for (int p = 0; p < panel_count(block.n); ++p, tiles += panel_bytes) {
      unpack(tiles, packed.k, nibbles + static_cast<std::size_t>(p) * nibble_bytes);
    }
    if (const int left = packed.n - column - block.n; left > 0) {
      block.next = tiles;
      block.next_bytes = static_cast<std::size_t>(panel_count(std::min(kUnpackedColumns, left))) * panel_bytes;
    }
    LinearArgs part = columns_of(args, column, block);
    part.scratch = nibbles + tile_bytes(kUnpackedColumns, packed.k, 4);
    run(part);
  }
}

}  // namespace
}  // namespace intvit::kernels
