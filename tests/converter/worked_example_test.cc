// docs/worked_example.md: every number on that page, from the functions that convert and execute a real layer.
#include <doctest/doctest.h>

#include <cmath>
#include <cstdint>
#include <cstring>
#include <vector>

#include "converter/lower/linear_lowering.h"
#include "converter/quantizers/uniform.h"
#include "kernels/arithmetic/arithmetic.h"
#include "kernels/dispatch/kernel_table.h"
#include "kernels/gemm/linear.h"

using namespace intvit;

namespace {

// Two outputs of four inputs, as a checkpoint has them, and one row of inputs.
const FloatLinear kLayer{2, 4, {0.50f, -0.25f, 0.10f, 1.27f, -0.30f, 0.80f, 0.05f, -0.60f}, {0.2f, 0.4f}};
const std::vector<double> kRow = {0.60, -0.75, 1.40, 0.33};
const UniformScheme kIn = uniform_scheme(-1, 2, 8), kOut = uniform_scheme(-1, 3, 8);

struct Lowered {
  QuantizedWeights weights;
  std::vector<std::int32_t> bias;
  std::vector<std::uint8_t> shift;
  std::vector<std::int16_t> multiplier;
  std::vector<std::uint8_t> tiles, zero_points;
};

template <typename T>
std::vector<T> values(const Program& program, ConstantId id) {
  const auto bytes = program.constants[id].bytes;
  std::vector<T> result(bytes.size() / sizeof(T));
  std::memcpy(result.data(), bytes.data(), bytes.size());
  return result;
}

Lowered lowered(int weight_bits) {
  Plan plan;
  plan.weights["fc"] = {weight_bits, WeightRange::max};
  ProgramBuilder builder;
  Lowered result;
  result.weights = quantize_weights(kLayer, plan.weights["fc"]);
  LinearLowering lowering(builder, plan, {{"fc", result.weights}});
  const LinearInput in{kIn.scale, kIn.zero_point, kernels::padded_depth(kLayer.in), contiguous(kLayer.in)};
  const LinearOutput out{[](int) { return kOut.scale; }, [](int) { return kOut.zero_point * 1.0; }};
  const LinearConstants constants = lowering.requantized(kLayer, "fc", in, out);
  REQUIRE(builder.error().ok());
  result.bias = values<std::int32_t>(builder.program(), constants.bias);
  result.shift = values<std::uint8_t>(builder.program(), constants.shift);
  result.multiplier = values<std::int16_t>(builder.program(), constants.multiplier);
  result.tiles = values<std::uint8_t>(builder.program(), constants.tiles);
  if (weight_bits == 4) result.zero_points = values<std::uint8_t>(builder.program(), constants.zero_points);
  return result;
}

// The layer's codes for kRow, by the kernels of one instruction set.
std::vector<int> executed(const Lowered& layer, const kernels::KernelTable& table) {
  alignas(64) std::uint8_t src[64] = {}, dst[16] = {};
  for (std::size_t i = 0; i < kRow.size(); ++i) {
    src[i] = static_cast<std::uint8_t>(std::lround(kRow[i] / kIn.scale) + kIn.zero_point);
  }
  std::vector<std::uint8_t> scratch(kernels::linear_scratch_bytes(64) + 64);
  auto* aligned = reinterpret_cast<std::uint8_t*>((reinterpret_cast<std::uintptr_t>(scratch.data()) + 63) / 64 * 64);
  kernels::LinearArgs args{};
  args.src = src;
  args.src_stride = 64;
  args.rows = 1;
  args.weights = {layer.tiles.data(), layer.zero_points.empty() ? nullptr : layer.zero_points.data(),
                  layer.weights.stored_bits(), kLayer.out, 64};
  args.requantizer = {layer.bias.data(), layer.shift.data(), layer.multiplier.data()};
  args.epilogue = kernels::Epilogue::codes;
  args.dst = dst;
  args.dst_stride = 16;
  args.scratch = aligned;
  table.linear->run(args);
  return {dst[0], dst[1]};
}

std::vector<int> ints(const auto& values, std::size_t count) { return {values.begin(), values.begin() + count}; }

double rounded(double value, int decimals) {
  return std::round(value * std::pow(10, decimals)) / std::pow(10, decimals);
}

}  // namespace

TEST_CASE("worked example: scales, zero points and codes of a row") {
  CHECK(rounded(kIn.scale, 6) == 0.011765);
  CHECK(kIn.zero_point == 85);
  CHECK(rounded(kOut.scale, 6) == 0.015686);
  CHECK(kOut.zero_point == 64);
  const std::vector<int> codes = {136, 21, 204, 113};
  const std::vector<double> stand_for = {0.6, -0.752941, 1.4, 0.329412};
  for (std::size_t i = 0; i < kRow.size(); ++i) {
    CHECK(std::lround(kRow[i] / kIn.scale) + kIn.zero_point == codes[i]);
    CHECK(rounded(kIn.value(codes[i]), 6) == stand_for[i]);
  }
}

TEST_CASE("worked example: 8-bit weights, from the checkpoint to the codes") {
  const Lowered layer = lowered(8);
  CHECK(ints(layer.weights.codes, 8) == std::vector{50, -25, 10, 127, -48, 127, 8, -95});
  CHECK(rounded(layer.weights.scales[0], 8) == 0.01);
  CHECK(rounded(layer.weights.scales[1], 8) == 0.00629921);
  CHECK(ints(layer.tiles, 8) == std::vector{50, 231, 10, 127, 208, 127, 8, 161});

  const double factor = kIn.scale * layer.weights.scales[0] / kOut.scale, offset = 0.2 / kOut.scale + kOut.zero_point;
  CHECK(rounded(factor, 8) == 0.0075);
  CHECK(rounded(offset, 2) == 76.75);
  CHECK(std::round(offset / (3932 * 0x1p-19)) == 10234);
  CHECK(-85 * (50 - 25 + 10 + 127) == -13770);
  CHECK(ints(layer.bias, 2) == std::vector{10234 - 13770 + 8, 19632});
  CHECK(ints(layer.shift, 2) == std::vector{4, 4});
  CHECK(ints(layer.multiplier, 2) == std::vector{3932, 2477});

  const int sum = 136 * 50 + 21 * -25 + 204 * 10 + 113 * 127;
  CHECK(sum == 22666);
  CHECK(((sum - 3528) >> 4) == 1196);
  CHECK(kernels::requantize(sum, -3528, 4, 3932) == 144);
  CHECK(rounded(1196 * 3932 / 32768.0, 2) == 143.51);
  CHECK(rounded((22666 - 13770) * factor + offset, 2) == 143.47);
  CHECK(kernels::requantize(-12964, 19632, 4, 2477) == 31);
  CHECK(rounded(kOut.value(144), 4) == 1.2549);
  CHECK(rounded(kOut.value(31), 4) == -0.5176);
}

TEST_CASE("worked example: 4-bit weights count sixteen times") {
  const Lowered layer = lowered(4);
  CHECK(ints(layer.weights.codes, 8) == std::vector{7, 0, 3, 15, 3, 15, 7, 0});
  CHECK(ints(layer.weights.zero_points, 2) == std::vector{2, 6});
  CHECK(rounded(16 * layer.weights.scales[0], 6) == 0.101333);
  CHECK(rounded(16 * layer.weights.scales[1], 6) == 0.093333);
  CHECK(ints(layer.tiles, 8) == std::vector{0x27, 0x20, 0x23, 0x2f, 0x63, 0x6f, 0x67, 0x60});
  CHECK(ints(layer.bias, 2) == std::vector{-6952, 19103});
  CHECK(ints(layer.shift, 2) == std::vector{4, 4});
  CHECK(ints(layer.multiplier, 2) == std::vector{2490, 2294});
  CHECK(16 * (136 * 5 + 21 * -2 + 204 * 1 + 113 * 13) == 36976);
  CHECK(kernels::requantize(36976, -6952, 4, 2490) == 143);
  CHECK(rounded(kOut.value(143), 4) == 1.2392);
}

TEST_CASE("worked example: every instruction set has these codes") {
  for (const Isa isa : available_isas()) {
    CAPTURE(isa_name(isa));
    CHECK(executed(lowered(8), kernels::kernel_table(isa)) == std::vector{144, 31});
    CHECK(executed(lowered(4), kernels::kernel_table(isa)) == std::vector{143, 35});
  }
}
