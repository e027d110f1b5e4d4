#include "converter/lower/linear_lowering.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "converter/lower/pack_tiles.h"
#include "kernels/gemm/tiles.h"

namespace intvit {
namespace {

// Sum of a column's integer weights times the input's zero point, to be taken off.
std::int64_t zero_point_correction(const QuantizedWeights& weights, int column, int zero_point) {
  std::int64_t sum = 0;
  for (int i = 0; i < weights.k; ++i) sum += weights.value(column, i);
  return -sum * zero_point;
}

// Whether no input can make a column's sum leave 32 bits.
bool fits_32_bits(const QuantizedWeights& weights, int column, int highest_code, std::int64_t bias) {
  std::int64_t most = bias, least = bias;
  for (int i = 0; i < weights.k; ++i) {
    const std::int64_t product = std::int64_t{weights.value(column, i)} * highest_code;
    (product > 0 ? most : least) += product;
  }
  return most <= INT32_MAX && least >= INT32_MIN && most - bias <= INT32_MAX && least - bias >= INT32_MIN;
}

// The same for the engine, which does not look at weights where there are values aside.
bool fits_beside_aside(const QuantizedWeights& weights, const LinearInput& in, std::int64_t bias) {
  if (in.aside == 0) return true;
  return kernels::max_sum(weights.stored_bits(), weights.k, 255, in.aside) + std::abs(bias) <= INT32_MAX;
}

void copy_column(const QuantizedWeights& from, std::size_t column, QuantizedWeights& to) {
  const auto k = static_cast<std::size_t>(to.k);
  std::copy_n(from.codes.begin() + static_cast<std::ptrdiff_t>(column * k), k,
              to.codes.begin() + static_cast<std::ptrdiff_t>(column * k));
  to.scales[column] = from.scales[column];
  to.zero_points[column] = from.zero_points[column];
  to.bias_correction[column] = from.bias_correction[column];
}

// What packing needs of some columns.
QuantizedWeights columns_of(const QuantizedWeights& from, const LinearPart& part) {
  QuantizedWeights columns;
  columns.bits = from.bits;
  columns.n = part.count;
  columns.k = from.k;
  const auto cut = [&](const auto& of_all, auto& to, int each) {
    const auto begin = of_all.begin() + std::ptrdiff_t{part.first} * each;
    to.assign(begin, begin + std::ptrdiff_t{part.count} * each);
  };
  cut(from.codes, columns.codes, from.k);
  cut(from.zero_points, columns.zero_points, 1);
  return columns;
}

}  // namespace

std::vector<int> contiguous(int count) {
  std::vector<int> placement(static_cast<std::size_t>(count));
  std::iota(placement.begin(), placement.end(), 0);
  return placement;
}

double LinearLowering::coarsest_scale(const std::string& name) const {
  const std::vector<double>& scales = rounded_.at(name).scales;
  return *std::max_element(scales.begin(), scales.end());
}

const QuantizedWeights& LinearLowering::representable(const FloatLinear& layer, const std::string& name,
                                                      const LinearInput& in, const LinearOutput& out,
                                                      const LinearPart& part) {
  QuantizedWeights& weights = rounded_.at(name);
  std::vector<double> least_scales(static_cast<std::size_t>(layer.out));
  std::vector<std::size_t> too_fine;
  for (int column = part.first; column < part.first + part.count; ++column) {
    const auto c = static_cast<std::size_t>(column);
    const double offset = layer.bias[c] / out.unit(column) + out.zero(column);
    least_scales[c] = least_factor(offset) * out.unit(column) / in.scale;
    if (weights.scales[c] < least_scales[c]) too_fine.push_back(c);
  }
  if (too_fine.empty()) return weights;
  const QuantizedWeights coarser = quantize_weights(layer, plan_.weights.at(name), least_scales);
  for (const std::size_t c : too_fine) copy_column(coarser, c, weights);
  return weights;
}

LinearConstants LinearLowering::pack(const QuantizedWeights& weights, const std::string& name, const LinearInput& in) {
  LinearConstants constants;
  constants.n = static_cast<std::uint32_t>(weights.n);
  constants.k = static_cast<std::uint32_t>(in.depth);
  constants.bits = static_cast<std::uint32_t>(weights.stored_bits());
  constants.tiles = builder_.constant(name + ".weight", weights.stored_bits() == 8 ? DataType::s8 : DataType::u8,
                                      pack_tiles(weights, in.depth, in.placement));
  if (constants.has_zero_points()) {
    std::vector<std::uint8_t> zeros = weights.zero_points;
    zeros.resize(static_cast<std::size_t>(kernels::padded_columns(weights.n)), 0);
    constants.zero_points = builder_.constant(name + ".weight_zero_point", DataType::u8, zeros);
  }
  return constants;
}

LinearConstants LinearLowering::requantized(const FloatLinear& layer, const std::string& name, const LinearInput& in,
                                            const LinearOutput& out, const LinearPart& part) {
  const QuantizedWeights& weights = representable(layer, name, in, out, part);
  const auto columns = static_cast<std::size_t>(kernels::padded_columns(part.count));
  std::vector<std::int32_t> bias(columns, 0);
  std::vector<std::uint8_t> shift(columns, 0);
  std::vector<std::int16_t> multiplier(columns, 0);
  for (int c = part.first; c < part.first + part.count; ++c) {
    const auto from = static_cast<std::size_t>(c), i = static_cast<std::size_t>(c - part.first);
    const double offset = (layer.bias[from] + weights.bias_correction[from]) / out.unit(c) + out.zero(c);
    const Result<FixedPoint> fixed = make_fixed_point(in.scale * weights.scales[from] / out.unit(c), offset,
                                                      zero_point_correction(weights, c, in.zero_point), out.precision);
    if (!fixed.ok()) {
      builder_.fail(name + "[" + std::to_string(c) + "]", fixed.status());
      break;
    }
    if (!fits_32_bits(weights, c, in.highest_code, fixed.value().bias)) {
      builder_.fail(name, {Code::unsupported, "sums of more than 32 bits; give its input a grid of fewer bits"});
      break;
    }
    if (!fits_beside_aside(weights, in, fixed.value().bias)) {
      builder_.fail(name, {Code::unsupported, "sums of more than 32 bits; let the side path in front keep fewer than " +
                                                  std::to_string(in.aside) + " values"});
      break;
    }
    bias[i] = fixed.value().bias;
    shift[i] = fixed.value().shift;
    multiplier[i] = fixed.value().multiplier;
  }
  const bool whole = part.count == layer.out;
  LinearConstants constants = pack(whole ? weights : columns_of(weights, part), part.name, in);
  constants.bias = builder_.constant(part.name + ".bias", DataType::s32, bias);
  constants.shift = builder_.constant(part.name + ".shift", DataType::u8, shift);
  constants.multiplier = builder_.constant(part.name + ".multiplier", DataType::s16, multiplier);
  return constants;
}

LinearConstants LinearLowering::logits(const FloatLinear& head, const std::string& name, const LinearInput& in,
                                       double unit) {
  const QuantizedWeights& weights = representable(head, name, in, {[unit](int) { return unit; }}, {name, 0, head.out});
  const auto columns = static_cast<std::size_t>(kernels::padded_columns(head.out));
  std::vector<std::int32_t> bias(columns, 0), multiplier(columns, 0);
  std::vector<std::uint8_t> shift(columns, 1);
  for (int c = 0; c < head.out; ++c) {
    const auto i = static_cast<std::size_t>(c);
    const double step = in.scale * weights.scales[i];
    const Mantissa mantissa = make_mantissa(step / unit);
    const double offset = std::round((head.bias[i] + weights.bias_correction[i]) / step) +
                          static_cast<double>(zero_point_correction(weights, c, in.zero_point));
    if (mantissa.shift < 1 || mantissa.shift > 62 || std::abs(offset) > 2147483647.0) {
      builder_.fail(name, {Code::unsupported, "logit scales out of range"});
      break;
    }
    bias[i] = static_cast<std::int32_t>(offset);
    multiplier[i] = static_cast<std::int32_t>(mantissa.mantissa);
    shift[i] = static_cast<std::uint8_t>(mantissa.shift);
  }
  LinearConstants constants = pack(weights, name, in);
  constants.bias = builder_.constant(name + ".bias", DataType::s32, bias);
  constants.shift = builder_.constant(name + ".shift", DataType::u8, shift);
  constants.multiplier = builder_.constant(name + ".multiplier", DataType::s32, multiplier);
  return constants;
}

}  // namespace intvit
