// Quantization schemes: how the real values of one site become codes, and what the codes stand for. All of them are
// data that a plan holds; the equations that choose them are in converter/quantizers/, their meaning in floats in
// converter/plan/simulate.h, their integers in converter/lower/ (docs/quantizers.md).
#pragma once

#include <cstddef>
#include <vector>

#include "kernels/softmax/softmax.h"

namespace intvit {

// x = scale * (code - zero_point), code in [0, 2^bits).
struct UniformScheme {
  int bits = 8;
  double scale = 1;
  int zero_point = 0;

  int highest_code() const { return (1 << bits) - 1; }
  double value(double code) const { return scale * (code - zero_point); }
  double lowest() const { return value(0); }
  double highest() const { return value(highest_code()); }
};

// Codes that cover [low, high] and zero. Zero is always one of them, as whole zero points require.
UniformScheme uniform_scheme(double low, double high, int bits);

// The same with a zero point that leaves neither end out by half a step: for the grid under the levels of a table.
UniformScheme grid_for(double low, double high, int bits);

// Any monotone quantizer: code = number of thresholds at or below x, which stands for levels[code].
struct TableScheme {
  std::vector<double> thresholds;  // ascending, one fewer than levels
  std::vector<double> levels;      // ascending, 2..256
};

// Without branches, which would be mispredicted.
inline std::size_t code_of(double x, const TableScheme& table) {
  const double* threshold = table.thresholds.data();
  for (std::size_t count = table.thresholds.size(); count > 0;) {
    const std::size_t half = (count + 1) / 2;
    threshold += x < threshold[half - 1] ? 0 : half;
    count -= half;
  }
  return static_cast<std::size_t>(threshold - table.thresholds.data());
}
inline double value_of(double x, const TableScheme& table) { return table.levels[code_of(x, table)]; }

enum class CodeKind {
  uniform,         // `grid` itself
  table,           // one table for the tensor
  token,           // row t of a picture has the scheme parts[t] (ADFQ-ViT, section 5a of the paper)
  dynamic_token,   // every row spans its own extremes
  channel_groups,  // every channel of a picture takes the part whose bounds are nearest to its extremes
                   // (IGQ-ViT, eq. 5)
};

// Codes of `bits` bits whose values are rounded to the tensor's common grid, which is what the matrix multiplication
// reads: with 8 bits as fast as plain codes, with up to 12 bits in two byte planes.
struct ActivationScheme {
  CodeKind kind = CodeKind::uniform;
  int bits = 8;
  UniformScheme grid;      // uniform: bits == grid.bits
  TableScheme table = {};  // table
  // token: one per token; channel_groups: one per group, with bounds lowest() and highest()
  std::vector<UniformScheme> parts = {};
  double outlier = 0;  // all kinds but uniform: |x| above it has no code and stays on the grid; 0: no such values
  // The grid need not reach values beyond `outlier`, of kind uniform any values: what they lose at its end, in whole
  // steps, lies in a list of their row, of so many at most, the largest. 0: they are clamped. Not for tables; grids of
  // up to 8 bits.
  int side = 0;
  double reach = 0;  // the largest |x| that `side` need keep; 0: kDefaultReach times the grid's length

  bool is_plain() const { return kind == CodeKind::uniform && side == 0; }
};

inline constexpr double kDefaultReach = 64;

// Per tensor: one scheme. Per head (query, key, value; always uniform): one per head.
using ActivationSchemes = std::vector<ActivationScheme>;

ActivationScheme uniform(const UniformScheme& grid);

// What the runtime executes:
//   exponential   8 bits, uniform, relative to the row's largest probability; normalised by the sum of the codes
//   relative      a table relative to the row's largest probability, normalised in the same way
//   absolute      a table of probabilities as they are, or of their ratio to the row group's bound
using kernels::SoftmaxKind;

struct SoftmaxScheme {
  SoftmaxKind codes = SoftmaxKind::exponential;
  int bits = 8;
  int value_bits = 8;               // levels are rounded to multiples of 1 / (2^value_bits - 1); 8..12
  std::vector<TableScheme> tables;  // one, or one per head; levels in [0, 1]
  // absolute: upper bounds of the groups of rows (IGQ-ViT), ascending. A row belongs to the bound that is nearest to
  // its largest probability; {1} makes one group of all.
  std::vector<double> bounds = {1.0};
};

// Codes of a residual stream: q = round(x / step), q in [-2^(bits-1), 2^(bits-1)), with the step of a few channels
// 2^coarse_shift times as large (O-2SF of TSPTQ-ViT).
struct ResidualScheme {
  int bits = 8;
  double step = 1;
  int coarse_shift = 0;
  std::vector<int> coarse_channels;
};

// x' = x / scale[c] - offset[c] in front of a linear layer, undone exactly in the layers before and behind
// (converter/equalise/fold.h): how a channel-wise quantizer becomes a layer-wise one (RepQ-ViT).
struct Equalisation {
  std::vector<double> scale;
  std::vector<double> offset;
  // query and value only, one per head or empty: after the scaling the head's channels are rotated by a normalised
  // Hadamard matrix, which spreads what is large in one of them over all. Head sizes must be powers of two.
  std::vector<bool> rotate = {};
};

enum class WeightRange {
  max,  // every column's own extremes
  mse,  // the range with the least squared rounding error of the column
};

// Per output channel, 2 to 8 bits. 8 bits: symmetric, [-127, 127]. Fewer: 2^bits levels with a zero point per column.
// 2, 3 and 4 bits take as many in a model file, 5 to 8 a byte.
struct WeightScheme {
  int bits = 8;
  WeightRange range = WeightRange::max;
};

}  // namespace intvit
