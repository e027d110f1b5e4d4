// tdpbusd on four tiles of sums, for weights of any width.
#include <cstring>

#include "bench/peak/peak_loops.h"
#include "kernels/gemm/amx/multiply_amx.h"

namespace intvit::bench {
namespace {

using namespace kernels;

constexpr int kSums = 4;
constexpr int kMacs = kTileRows * kPanelColumns * kDepthPadding;  // of an instruction

std::uint32_t multiply_tiles_of_ones(std::int64_t rounds) noexcept {
  alignas(64) std::uint8_t ones[kTileRows][kTileRowBytes];
  std::memset(ones, 1, sizeof ones);
  Tiles::configure(RowTiles(kTileRows).shapes());
  BlockSums sums;
  const SumTiles tiles{sums.at[0], sums.at[kTileRows], 2 * kTileRows, BlockSums::kColumns};
  for_each_sum<true, false>(tiles, [](auto tile, std::int32_t*, int) { Tiles::zero<tile>(); });
  Tiles::load<kUpperCodes>(ones, kTileRowBytes);
  Tiles::load<kLowerCodes>(ones, kTileRowBytes);
  Tiles::load<kLeftWeights>(ones, kTileRowBytes);
  Tiles::load<kRightWeights>(ones, kTileRowBytes);
  for (; rounds > 0; --rounds) {
    Tiles::dot_u8s8<kUpperLeft, kUpperCodes, kLeftWeights>();
    Tiles::dot_u8s8<kUpperRight, kUpperCodes, kRightWeights>();
    Tiles::dot_u8s8<kLowerLeft, kLowerCodes, kLeftWeights>();
    Tiles::dot_u8s8<kLowerRight, kLowerCodes, kRightWeights>();
  }
  for_each_sum<true, false>(tiles,
                            [&](auto tile, std::int32_t* at, int) { Tiles::store<tile>(at, tiles.row_bytes()); });
  Tiles::release();
  std::uint32_t total = 0;
  for (const auto& row : sums.at) {
    for (const std::int32_t sum : row) total += static_cast<std::uint32_t>(sum);
  }
  return total;
}

constexpr PeakLoop kTileProducts = {"tdpbusd", std::int64_t{kMacs} * kSums, multiply_tiles_of_ones};

}  // namespace

extern const PeakLoops peak_loops_amx;
const PeakLoops peak_loops_amx = {kTileProducts, kTileProducts};

}  // namespace intvit::bench
