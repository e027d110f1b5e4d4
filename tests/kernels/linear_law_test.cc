// linear: what it computes, against plain arithmetic, on every instruction set. That they agree is in linear_test.cc.
#include "kernels/gemm/linear_law.h"

#include <doctest/doctest.h>

#include <cmath>
#include <vector>

#include "kernels/activation/gated_activation_law.h"
#include "kernels/gemm/linear.h"
#include "tests/kernels/test_data.h"
#include "tests/kernels/tested_kernels.h"

namespace intvit::test {
namespace {

using namespace intvit::kernels;

struct LawPatterns {
  Pattern codes = Pattern::random;
  Pattern weights = Pattern::random;
  Pattern zero_points = Pattern::random;
};

// A matrix product in 64 bits from a table of whole numbers, which knows nothing of planes, tiles and nibbles, and the
// same one by a kernel. Weights of fewer bits are the upper ones of those for 8, counted from 0.
struct Product {
  std::vector<std::int64_t> exact;
  std::vector<std::int32_t> sums;

  Product(const TestedKernels& kernels, int bits, int rows, int n, int k, int max_value, const LawPatterns& patterns,
          std::uint64_t seed) {
    Random random(seed);
    const auto columns = static_cast<std::size_t>(padded_columns(n)), depth = static_cast<std::size_t>(k);
    const auto row_count = static_cast<std::size_t>(rows), plane = row_count * depth;
    std::vector<std::uint16_t> values(plane);
    fill(values.data(), values.size(), patterns.codes, random, 0, max_value);
    std::vector<std::uint8_t> src(2 * plane), tiles(tile_bytes(n, k, bits)), zero_points(columns);
    for (std::size_t i = 0; i < plane; ++i) {
      src[i] = static_cast<std::uint8_t>(values[i] % 256);
      src[plane + i] = static_cast<std::uint8_t>(values[i] / 256);
    }
    fill(zero_points.data(), columns, patterns.zero_points, random, 0, std::min(15, (1 << bits) - 1));
    std::vector<int> weights(columns * depth);
    std::vector<std::int8_t> bytes(columns * depth);
    fill(bytes.data(), bytes.size(), patterns.weights, random);
    for (int c = 0; c < n; ++c) {
      for (int i = 0; i < k; ++i) {
        const std::size_t index = static_cast<std::size_t>(c) * depth + static_cast<std::size_t>(i);
        const int weight = bytes[index];
        if (bits == 8) {
          weights[index] = weight;
          tiles[tile_offset(c, i, k)] = static_cast<std::uint8_t>(weight);
        } else {
          const int number = (weight + 128) >> (8 - bits);
          store_number(tiles.data(), bits, c, i, k, number);
          weights[index] = 16 * (number - zero_points[static_cast<std::size_t>(c)]);
        }
      }
    }
    std::vector<std::int32_t> dst(row_count * columns);
    GuardedBuffer<std::uint8_t> scratch(linear_scratch_bytes(k, bits));
    LinearArgs args{};
    args.src = src.data();
    args.src_stride = k;
    args.plane_stride = max_value > 255 ? static_cast<std::ptrdiff_t>(plane) : 0;
    args.rows = rows;
    args.weights = {tiles.data(), zero_points.data(), bits, n, k};
    args.epilogue = Epilogue::accumulators;
    args.dst = dst.data();
    args.dst_stride = static_cast<std::ptrdiff_t>(columns);
    args.scratch = scratch.data();
    kernels.linear->run(args);
    for (std::size_t r = 0; r < row_count; ++r) {
      for (std::size_t c = 0; c < static_cast<std::size_t>(n); ++c) {
        std::int64_t sum = 0;
        for (std::size_t i = 0; i < depth; ++i) {
          sum += std::int64_t{values[r * depth + i]} * weights[c * depth + i];
        }
        exact.push_back(sum);
        sums.push_back(dst[r * columns + c]);
      }
    }
  }

  bool equal() const {
    for (std::size_t i = 0; i < exact.size(); ++i) {
      if (sums[i] != exact[i]) return false;
    }
    return true;
  }
  bool equal_modulo_2_32() const {
    for (std::size_t i = 0; i < exact.size(); ++i) {
      if (static_cast<std::uint32_t>(sums[i]) != static_cast<std::uint32_t>(exact[i])) return false;
    }
    return true;
  }
};

TEST_CASE("linear: the law is a matrix product of values of up to 16 bits") {
  std::uint64_t seed = 7;
  for (const TestedKernels& kernels : all_kernels()) {
    for (const int bits : {8, 4, 3, 2}) {
      for (const int max_value : {255, 256, 511, 1023, 4095, 32767, 32768, 65535}) {
        const Product product(kernels, bits, 15, 37, 64, max_value, {}, seed++);  // at most 64 * 65535 * 240 < 2^30
        CHECK_MESSAGE(product.equal(), kernels.name << ", bits " << bits << ", values up to " << max_value);
      }
    }
  }
}

TEST_CASE("linear: the largest sums within the budget do not wrap, and beyond it they do so modulo 2^32") {
  CHECK(max_depth(8) == 65472);
  CHECK(max_depth(4) == 35072);
  CHECK(max_depth(8, 4095) == 4096);
  CHECK(max_depth(4, 4095) == 2176);
  CHECK(max_depth(8, 65535) == 256);
  CHECK(max_depth(4, 2912) == 3072);
  struct Case {
    int bits, k, max_value;
    bool wraps;
  };
  const Case cases[] = {{8, 3072, 4095, false}, {8, 4096, 4095, false}, {8, 256, 65535, false}, {4, 2176, 4095, false},
                        {4, 3072, 2912, false}, {4, 128, 65535, false}, {4, 3072, 4095, true},  {8, 4160, 4095, true},
                        {8, 3072, 65535, true}, {4, 3072, 65535, true}};
  for (const TestedKernels& kernels : all_kernels()) {
    for (const Case& c : cases) {
      // 8 bits: weights of -128. 4 bits: 0 - 15, and 15 - 0.
      for (const LawPatterns& patterns : {LawPatterns{Pattern::all_max, Pattern::all_min, Pattern::all_max},
                                          LawPatterns{Pattern::all_max, Pattern::all_max, Pattern::all_min}}) {
        const Product product(kernels, c.bits, 4, 17, c.k, c.max_value, patterns, 1);
        const std::string message = kernels.name + ", bits " + std::to_string(c.bits) + ", k " + std::to_string(c.k) +
                                    ", values of " + std::to_string(c.max_value);
        CHECK_MESSAGE(product.equal_modulo_2_32(), message);
        CHECK_MESSAGE((product.equal() || c.wraps), message);
        if (c.wraps && patterns.weights == Pattern::all_min) CHECK_MESSAGE(!product.equal(), message);
      }
    }
  }
}

// Byte by byte (docs/format.md).
TEST_CASE("linear: weights of 3 and 2 bits lie where the format says") {
  constexpr int kColumns = 2, kDepth = 64, kInputs = 40;
  struct Byte {
    std::size_t at;
    int value;
  };
  // Column 0 has the numbers 1 2 3 1 in its first groups, column 1 has 3 in k 4, 8, 12 and 36 alone; of 3 bits they
  // have 4 in k 4 and 36 besides.
  const auto number = [](int bits, int column, int k) {
    if (column == 0) return k < 4 ? k % 3 + 1 : 0;
    const int low = k == 4 || k == 8 || k == 12 || k == 36 ? 3 : 0;
    return low + (bits == 3 && (k == 4 || k == 36) ? 4 : 0);
  };
  const std::vector<Byte> low_bits = {{0, 0x01},
                                      {1, 0x02},
                                      {2, 0x03},
                                      {3, 0x01},
                                      {4, 0xfc},                     // groups 1, 2 and 3: bits 4, 2 and 6
                                      {2 * kGroupBytes + 4, 0x30}};  // group 9 is the second of its four
  const std::vector<Byte> third_bits = {{256 + 4, 0x10}, {256 + kGroupBytes + 4, 0x10}};  // groups 1 and 9 of eight
  for (const int bits : {2, 3}) {
    std::vector<std::uint8_t> tiles(tile_bytes(kColumns, kDepth, bits)), expected(tiles.size());
    CHECK(tiles.size() == static_cast<std::size_t>(bits) * 128);
    for (int c = 0; c < kColumns; ++c) {
      for (int k = 0; k < kInputs; ++k) store_number(tiles.data(), bits, c, k, kDepth, number(bits, c, k));
    }
    for (const Byte& byte : low_bits) expected[byte.at] = static_cast<std::uint8_t>(byte.value);
    for (const Byte& byte : third_bits) {
      if (bits == 3) expected[byte.at] = static_cast<std::uint8_t>(byte.value);
    }
    CHECK(tiles == expected);
    for (const TestedKernels& kernels : all_kernels()) {
      std::vector<std::uint8_t> src(kDepth), zero_points(kPanelColumns);
      for (int k = 0; k < kDepth; ++k) src[static_cast<std::size_t>(k)] = static_cast<std::uint8_t>(k);
      zero_points[1] = 2;
      GuardedBuffer<std::uint8_t> scratch(linear_scratch_bytes(kDepth, bits));
      std::vector<std::int32_t> dst(kPanelColumns);
      LinearArgs args{};
      args.src = src.data();
      args.src_stride = kDepth;
      args.rows = 1;
      args.weights = {tiles.data(), zero_points.data(), bits, kColumns, kDepth};
      args.epilogue = Epilogue::accumulators;
      args.dst = dst.data();
      args.dst_stride = kPanelColumns;
      args.scratch = scratch.data();
      kernels.linear->run(args);
      CAPTURE(kernels.name);
      CHECK(dst[0] == 16 * (1 * 2 + 2 * 3 + 3 * 1));
      // The zero point counts for all k of 0..63, whose sum is 2016.
      CHECK(dst[1] == 16 * (3 * (4 + 8 + 12 + 36) + (bits == 3 ? 4 * (4 + 36) : 0) - 2 * 2016));
    }
  }
}

// Every 16-bit residual through a product that is zero: the nearest multiple of the column's step, within the limits.
TEST_CASE("linear: residuals on a grid") {
  const int n = 65536, k = 64;
  const std::vector<std::uint8_t> src(k), tiles(static_cast<std::size_t>(n) * k), shift(n);
  const std::vector<std::int16_t> multiplier(n);
  const std::vector<std::int32_t> bias(n);
  std::vector<std::int16_t> residual(n), power(n), unit(n);
  std::vector<int> coarse_steps(n);
  GuardedBuffer<std::uint8_t> scratch(linear_scratch_bytes(k));
  for (const int limit : {127, 7, 2047, 16382}) {
    for (int round = 0; round < 4; ++round) {
      for (std::size_t c = 0; c < n; ++c) {
        residual[c] = static_cast<std::int16_t>(static_cast<int>(c) - 32768);
        coarse_steps[c] = (static_cast<int>(c) / 5 + round) % (limit == 16382 ? 2 : 4);
        power[c] = static_cast<std::int16_t>(std::min(32767, 1 << (15 - coarse_steps[c])));
        unit[c] = static_cast<std::int16_t>(1 << coarse_steps[c]);
      }
      LinearArgs args{};
      args.src = src.data();
      args.src_stride = k;
      args.rows = 1;
      args.weights = {tiles.data(), nullptr, 8, n, k};
      args.requantizer = {bias.data(), shift.data(), multiplier.data()};
      args.epilogue = Epilogue::residual;
      args.dst_stride = n;
      args.residual = residual.data();
      args.coarse_power = power.data();
      args.coarse_unit = unit.data();
      args.coarse_limit = static_cast<std::int16_t>(limit);
      args.scratch = scratch.data();
      for (const TestedKernels& kernels : all_kernels()) {
        std::vector<std::int16_t> dst(n);
        args.dst = dst.data();
        kernels.linear->run(args);
        int wrong = 0;
        for (std::size_t c = 0; c < n; ++c) {
          const double code =
              std::clamp(std::floor(std::ldexp(residual[c], -coarse_steps[c]) + 0.5), -limit - 1.0, limit * 1.0);
          if (dst[c] != code * (1 << coarse_steps[c])) ++wrong;
        }
        CHECK_MESSAGE(wrong == 0, kernels.name << ", limit " << limit);
      }
    }
  }
}

TEST_CASE("linear: codes are the values clamped to max_code") {
  Random random(9);
  const int n = 65536, k = 64;
  const std::vector<std::uint8_t> src(k), tiles(static_cast<std::size_t>(n) * k), shift(n);
  const std::vector<std::int16_t> multiplier(n, 32767);
  std::vector<std::int32_t> bias(n);
  for (std::size_t i = 0; i < n; ++i) bias[i] = static_cast<std::int32_t>(i) - 32768;
  std::vector<std::int16_t> table(2 * kActivationSegments);
  fill(table.data(), table.size(), Pattern::random, random, -50, 50);
  GuardedBuffer<std::uint8_t> scratch(linear_scratch_bytes(k));
  for (const TestedKernels& kernels : without_emulated(all_kernels())) {
    for (const bool activation : {false, true}) {
      for (const int max_code : {1, 2, 7, 15, 63, 100, 127, 254, 255}) {
        std::vector<std::int16_t> values(n);
        std::vector<std::uint8_t> codes(n);
        LinearArgs args{};
        args.src = src.data();
        args.src_stride = k;
        args.rows = 1;
        args.weights = {tiles.data(), nullptr, 8, n, k};
        args.requantizer = {bias.data(), shift.data(), multiplier.data()};
        args.dst_stride = n;
        args.max_code = max_code;
        args.activation = {table.data(), table.data() + kActivationSegments, 2, 32767, 3};
        args.scratch = scratch.data();
        args.epilogue = activation ? Epilogue::activation_values : Epilogue::values;
        args.dst = values.data();
        kernels.linear->run(args);
        args.epilogue = activation ? Epilogue::activation : Epilogue::codes;
        args.dst = codes.data();
        kernels.linear->run(args);
        int wrong = 0;
        for (std::size_t c = 0; c < n; ++c) {
          const auto x = static_cast<std::int16_t>(bias[c]);
          const std::int16_t requantized = requantize(bias[c], 0, 0, 32767);
          if (values[c] != (activation ? activate_value(requantized, args.activation) : requantized)) ++wrong;
          if (!activation && std::abs(values[c] - x) > 1) ++wrong;
          if (codes[c] != std::clamp<int>(values[c], 0, max_code)) ++wrong;
        }
        CHECK_MESSAGE(wrong == 0, kernels.name << ", max_code " << max_code);
      }
    }
  }
}

// Two roundings: the shift keeps 3 to 4 more bits than the code shows, so it adds at most multiplier / 2^16 <= 1/16.
TEST_CASE("requantize: within 0.6 code of real arithmetic") {
  Random random(11);
  double worst = 0;
  for (int i = 0; i < 400000; ++i) {
    const auto multiplier = static_cast<std::int16_t>(random.integer(2048, 4095));
    const int shift = static_cast<int>(random.integer(0, 16));
    const double scale = multiplier * std::ldexp(1.0, -15 - shift);
    const double zero_point = static_cast<double>(random.integer(0, 255));
    // Sums whose codes lie within [-500, 755]: codes that a consumer can see and the saturated ones around them.
    const double wanted = random.real(-500, 755);
    const auto sum = static_cast<std::int32_t>((wanted - zero_point) / scale);
    const int rounding = shift == 0 ? 0 : 1 << (shift - 1);
    const auto bias_units = static_cast<std::int32_t>(std::lround(zero_point / scale));
    const std::int16_t code = requantize(sum, bias_units + rounding, shift, multiplier);
    const double real = (static_cast<double>(sum) + bias_units) * scale;
    worst = std::max(worst, std::fabs(code - real));
  }
  MESSAGE("requantize: at most " << worst << " code from real arithmetic");
  CHECK(worst < 0.6);
}

TEST_CASE("requantize: saturates and never wraps for valid biases") {
  CHECK(requantize(INT32_MAX, 0, 0, 32767) == 32766);  // round(32767 * 32767 / 32768)
  CHECK(requantize(INT32_MIN, 0, 0, 32767) == -32767);
  CHECK(requantize(INT32_MIN, 0, 31, 32767) == -1);
  CHECK(requantize(12345, -12345, 0, 32767) == 0);
  CHECK(requantize(1000, 0, 0, 0) == 0);
}

// The logits keep 32 bits: one rounding.
TEST_CASE("scale_logit: one rounding of the exact product, saturated") {
  Random random(12);
  for (int i = 0; i < 100000; ++i) {
    const auto sum = static_cast<std::int32_t>(random.integer(-(1 << 29), 1 << 29));
    const auto bias = static_cast<std::int32_t>(random.integer(-(1 << 29), 1 << 29));
    const auto multiplier = static_cast<std::int32_t>(random.integer(0, INT32_MAX));
    const int shift = static_cast<int>(random.integer(1, 62));
    const std::int64_t twice = (std::int64_t{sum} + bias) * multiplier * 2;  // at most 2^62
    const std::int64_t rounded = ((twice >> shift) + 1) >> 1;
    const std::int64_t expected = std::clamp<std::int64_t>(rounded, INT32_MIN, INT32_MAX);
    REQUIRE(scale_logit(sum, bias, multiplier, shift) == expected);
  }
}

}  // namespace
}  // namespace intvit::test
