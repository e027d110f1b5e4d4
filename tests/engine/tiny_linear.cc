#include "tests/engine/tiny_linear.h"

#include <algorithm>
#include <cmath>

#include "kernels/gemm/tiles.h"

namespace intvit::test {
namespace {

// The longest shift that leaves a factor's multiplier below 2^bits.
int shift_for(double factor, int bits) { return bits - 1 - static_cast<int>(std::floor(std::log2(factor))); }

}  // namespace

LinearConstants tiny_linear(TinyProgram& tiny, const std::string& name, const TinyWeights& weights, Random& random) {
  const auto n = static_cast<int>(weights.outputs);
  const int depth = kernels::padded_depth(static_cast<int>(weights.inputs));
  const auto columns = static_cast<std::size_t>(kernels::padded_columns(n));
  const auto piece = static_cast<std::uint32_t>(kernels::padded_depth(static_cast<int>(weights.row_inputs)));
  const bool logits = weights.kind == Epilogue::logits;
  std::vector<std::uint8_t> tiles(kernels::tile_bytes(n, depth, static_cast<int>(weights.bits)));
  std::vector<std::uint8_t> zero_points(columns, weights.bits < 4 ? 1 : 8), shift(columns, 1);
  std::vector<std::int32_t> bias(columns), logit_multiplier(columns);
  std::vector<std::int16_t> multiplier(columns);
  for (int column = 0; column < n; ++column) {
    const auto c = static_cast<std::size_t>(column);
    std::int64_t sum = 0, squares = 0;
    if (weights.bits == 4) zero_points[c] = static_cast<std::uint8_t>(random.integer(5, 10));
    if (weights.bits < 4) zero_points[c] = static_cast<std::uint8_t>(random.integer(1, (1 << weights.bits) - 2));
    for (int k = 0; k < depth; ++k) {
      const auto input = static_cast<std::uint32_t>(k);
      const bool padding = input >= weights.inputs || input % piece >= weights.row_inputs;
      std::int64_t weight = 0;
      if (weights.bits == 8) {
        weight = padding ? 0 : random.integer(-127, 127);
        tiles[kernels::tile_offset(column, k, depth)] = static_cast<std::uint8_t>(weight);
      } else {
        const int number = padding ? zero_points[c] : static_cast<int>(random.integer(0, (1 << weights.bits) - 1));
        kernels::store_number(tiles.data(), static_cast<int>(weights.bits), column, k, depth, number);
        weight = (number - zero_points[c]) * (1 << kernels::kNibbleShift);
      }
      sum += weight;
      squares += weight * weight;
    }
    const double sigma_sum = std::sqrt(static_cast<double>(squares)) * weights.source.sigma();
    const double factor = weights.sigma / std::max(sigma_sum, 1.0);
    bias[c] =
        static_cast<std::int32_t>(-std::lround(weights.source.centre()) * sum + std::lround(weights.centre / factor));
    const int steps =
        std::clamp(logits ? shift_for(factor, 29) : shift_for(factor * 32768, 12), logits ? 1 : 0, logits ? 62 : 31);
    shift[c] = static_cast<std::uint8_t>(steps);
    if (logits) {
      logit_multiplier[c] = static_cast<std::int32_t>(std::ldexp(factor, steps));
    } else {
      multiplier[c] = static_cast<std::int16_t>(std::min(32767.0, std::ldexp(factor * 32768, steps)));
      if (steps > 0) bias[c] += 1 << (steps - 1);
    }
  }
  LinearConstants l;
  l.n = weights.outputs;
  l.k = static_cast<std::uint32_t>(depth);
  l.bits = weights.bits;
  l.tiles = tiny.add(name + ".weight", weights.bits == 8 ? DataType::s8 : DataType::u8, tiles);
  if (l.has_zero_points()) l.zero_points = tiny.add(name + ".zero_points", DataType::u8, zero_points);
  l.bias = tiny.add(name + ".bias", DataType::s32, bias);
  l.shift = tiny.add(name + ".shift", DataType::u8, shift);
  l.multiplier = logits ? tiny.add(name + ".multiplier", DataType::s32, logit_multiplier)
                        : tiny.add(name + ".multiplier", DataType::s16, multiplier);
  return l;
}

}  // namespace intvit::test
