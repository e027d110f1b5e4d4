// From float weights to integers: rounding, tiles, fixed-point factors, tables.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <random>
#include <vector>

#include "converter/lower/activation_table.h"
#include "converter/lower/fixed_point.h"
#include "converter/lower/pack_tiles.h"
#include "converter/weights/quantize.h"
#include "kernels/activation/gated_activation_law.h"
#include "kernels/arithmetic/arithmetic.h"
#include "kernels/gemm/tiles.h"

using namespace intvit;

namespace {

FloatLinear random_linear(int out, int in, unsigned seed) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal(0, 0.1f);
  FloatLinear layer{out, in, {}, {}};
  layer.weight.resize(static_cast<std::size_t>(out) * static_cast<std::size_t>(in));
  layer.bias.resize(static_cast<std::size_t>(out), 0);
  for (float& w : layer.weight) w = normal(random);
  return layer;
}

double weight_error(const FloatLinear& layer, const QuantizedWeights& w, int column) {
  double error = 0;
  for (int i = 0; i < layer.in; ++i) {
    const double difference = layer.weight[static_cast<std::size_t>(column * layer.in + i)] -
                              w.scales[static_cast<std::size_t>(column)] * w.value(column, i);
    error += difference * difference;
  }
  return error;
}

}  // namespace

TEST_CASE("weights are rounded to within half a step, and the least-error range never loses more") {
  FloatLinear layer = random_linear(20, 96, 1);
  layer.weight[5] = 3;                                                                    // an outlier in column 0
  for (int i = 0; i < 96; ++i) layer.weight[static_cast<std::size_t>(96 + i)] = 0;        // column 1 is all zero
  for (int i = 0; i < 96; ++i) layer.weight[static_cast<std::size_t>(192 + i)] = 0.5f;    // column 2 is constant
  for (int i = 0; i < 96; ++i) layer.weight[static_cast<std::size_t>(288 + i)] = -0.25f;  // column 3: one sign
  const std::vector<double> no_bound(20, 0.0);
  for (const int bits : {8, 4, 3, 2}) {
    const QuantizedWeights plain = quantize_weights(layer, {bits, WeightRange::max}, no_bound);
    const QuantizedWeights best = quantize_weights(layer, {bits, WeightRange::mse}, no_bound);
    for (int column = 0; column < layer.out; ++column) {
      CAPTURE(bits);
      CAPTURE(column);
      const double step = plain.scales[static_cast<std::size_t>(column)] * (bits < 8 ? 16 : 1);
      CHECK(step > 0);
      for (int i = 0; i < layer.in; ++i) {
        const double value = plain.scales[static_cast<std::size_t>(column)] * plain.value(column, i);
        // A zero point that had to be rounded moves the ends of the range by up to half a step more.
        CHECK(std::abs(value - layer.weight[static_cast<std::size_t>(column * layer.in + i)]) <=
              step * (bits < 8 ? 1.01 : 0.501));
      }
      CHECK(weight_error(layer, best, column) <= weight_error(layer, plain, column) + 1e-12);
    }
  }
}

TEST_CASE("a lower bound on scales is respected") {
  const FloatLinear layer = random_linear(3, 64, 2);
  for (const int bits : {8, 4, 3, 2}) {
    const QuantizedWeights w = quantize_weights(layer, {bits, WeightRange::mse}, std::vector<double>{0.5, 0.5, 0.5});
    for (const double scale : w.scales) CHECK(scale >= 0.5);
  }
}

TEST_CASE("tiles hold every weight where the kernels look for it, and zero everywhere else") {
  for (const int bits : {8, 4, 3, 2}) {
    for (const auto& [n, k] : {std::pair{1, 3}, {17, 64}, {40, 100}}) {
      CAPTURE(bits);
      CAPTURE(n);
      const QuantizedWeights w = quantize_weights(random_linear(n, k, 3), {bits, WeightRange::max},
                                                  std::vector<double>(static_cast<std::size_t>(n), 0.0));
      const int depth = kernels::padded_depth(k) + 64;
      // Every second position: the gaps must weigh nothing.
      std::vector<int> placement(static_cast<std::size_t>(k));
      std::iota(placement.begin(), placement.end(), 0);
      for (int& position : placement) position = position < 50 ? position : position + 64;
      const std::vector<std::uint8_t> tiles = pack_tiles(w, depth, placement);
      CHECK(tiles.size() == kernels::tile_bytes(n, depth, bits));
      std::vector<int> expected(static_cast<std::size_t>(n) * static_cast<std::size_t>(depth), 0);
      for (int c = 0; c < n; ++c) {
        for (int i = 0; i < k; ++i) {
          expected[static_cast<std::size_t>(c * depth + placement[static_cast<std::size_t>(i)])] = w.value(c, i);
        }
      }
      bool equal = true;
      for (int c = 0; c < n; ++c) {
        for (int position = 0; position < depth; ++position) {
          int value;
          if (bits == 8) {
            value = static_cast<std::int8_t>(tiles[kernels::tile_offset(c, position, depth)]);
          } else {
            const int number = kernels::stored_number(tiles.data(), bits, c, position, depth);
            value = 16 * (number - w.zero_points[static_cast<std::size_t>(c)]);
          }
          equal = equal && value == expected[static_cast<std::size_t>(c * depth + position)];
        }
      }
      CHECK(equal);
    }
  }
}

TEST_CASE("fixed-point factors reproduce real ones to a tenth of a code") {
  std::mt19937 random(4);
  std::uniform_real_distribution<double> exponent(-18, -1), offset(-100, 300);
  double worst = 0;
  for (int trial = 0; trial < 3000; ++trial) {
    const double factor = std::exp2(exponent(random)), zero = offset(random);
    const auto fixed = make_fixed_point(factor, zero, -17, MultiplierPrecision::codes);
    REQUIRE(fixed.ok());
    for (double target = -20; target < 280; target += 7.3) {
      const double sum = std::round((target - zero) / factor);
      if (std::abs(sum) > 1e9) continue;
      const double exact = factor * (sum - 17) + zero;
      const std::int16_t got = kernels::requantize(static_cast<std::int32_t>(sum), fixed.value().bias,
                                                   fixed.value().shift, fixed.value().multiplier);
      // The bias is rounded to whole sums, which only matters when a sum is worth a good part of a code.
      worst = std::max(worst, std::abs(got - exact) - 0.5 - factor / 2);
    }
  }
  MESSAGE("worst excess over rounding: " << worst << " codes");
  CHECK(worst < 0.2);
  CHECK_FALSE(make_fixed_point(1.5, 0, 0, MultiplierPrecision::codes).ok());
  CHECK_FALSE(make_fixed_point(0, 0, 0, MultiplierPrecision::codes).ok());
  CHECK_FALSE(make_fixed_point(NAN, 0, 0, MultiplierPrecision::codes).ok());
  CHECK_FALSE(make_fixed_point(1e-9, 255, 0, MultiplierPrecision::codes).ok());
}

TEST_CASE("mantissas are normalised") {
  for (const double value : {1.0, 0.999999999999, 3.7e-5, 123456.789, std::exp2(-20)}) {
    const Mantissa m = make_mantissa(value);
    CHECK(m.mantissa >= 1u << 30);
    CHECK(m.mantissa < 1u << 31);
    CHECK(std::ldexp(static_cast<double>(m.mantissa), -m.shift) == doctest::Approx(value).epsilon(1e-9));
  }
}

TEST_CASE("activation tables follow the functions") {
  for (const Activation activation :
       {Activation::gelu_erf, Activation::gelu_tanh, Activation::quick_gelu, Activation::relu, Activation::silu}) {
    const ActivationTable table = make_activation_table(activation, 7.5, 1e-4);
    CAPTURE(static_cast<int>(activation));
    CHECK(std::ldexp(7.5 * 1.5, table.fraction_bits) <= 32767);
    const double scale = 6.2 / 255;
    const int zero_point = 7;
    const double multiplier = std::round(std::ldexp(1 / scale, 15 - table.fraction_bits));
    const double realised = std::ldexp(1 / multiplier, 15 - table.fraction_bits);
    const kernels::GatedActivation act{table.entries.data(), table.entries.data() + 64, table.segment_bits,
                                       static_cast<std::int16_t>(multiplier), zero_point};
    double worst = 0;
    for (int x = -32768; x <= 32767; ++x) {
      const double exact = activation_value(activation, std::ldexp(x, -table.fraction_bits)) / realised + zero_point;
      const double clamped = std::clamp(exact, 0.0, 255.0);
      worst = std::max(worst, std::abs(kernels::activate(static_cast<std::int16_t>(x), act) - clamped));
    }
    CHECK(worst < 0.7);
  }
}
