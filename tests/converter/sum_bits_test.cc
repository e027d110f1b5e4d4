// Sums of 32 bits: the converter makes no layer whose sums may need more.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <string>
#include <vector>

#include "converter/convert/convert.h"
#include "converter/families/vit/random_vit.h"
#include "converter/lower/linear_lowering.h"
#include "converter/lower/lower.h"
#include "converter/quantizers/table.h"
#include "converter/quantizers/two_scaled.h"
#include "converter/weights/quantize.h"
#include "kernels/dispatch/kernel_table.h"
#include "kernels/gemm/tiles.h"
#include "tests/converter/kernel_scratch.h"
#include "tests/converter/small_network.h"

using namespace intvit;

namespace {

constexpr int kInputs = 3072, kHighest = 4095;
// 240 is the largest weight of four bits: so many of them and no more, times 4095, fit.
constexpr int kMostWeights = INT32_MAX / (240 * kHighest);

// fc2 of one column with `count` weights of +240 or -240, the others 0.
QuantizedWeights extreme_weights(int count, bool negative) {
  QuantizedWeights w;
  w.bits = 4;
  w.n = 1;
  w.k = kInputs;
  w.zero_points = {static_cast<std::uint8_t>(negative ? 15 : 0)};
  w.scales = {1e-5};
  w.bias_correction = {0};
  for (int i = 0; i < kInputs; ++i) w.codes.push_back(static_cast<std::int16_t>((i < count) != negative ? 15 : 0));
  return w;
}

}  // namespace

TEST_CASE("sums of 32 bits: the worst that is accepted is computed right, one weight more is refused") {
  const FloatLinear layer{1, kInputs, std::vector<float>(kInputs, 0), {0}};
  for (const bool negative : {false, true}) {
    for (const int zero_point : {0, 1000}) {
      for (const int count : {1, kMostWeights, kMostWeights + 1, kInputs}) {
        CAPTURE(negative);
        CAPTURE(zero_point);
        CAPTURE(count);
        ProgramBuilder builder;
        Plan plan;
        LinearLowering lowering(builder, plan, {{"fc2", extreme_weights(count, negative)}});
        const double in_scale = 1e-3, unit = in_scale * 1e-5 * INT32_MAX / 30000.0;
        const LinearInput in{in_scale, zero_point, kInputs, contiguous(kInputs), kHighest};
        LinearOutput out{[&](int) { return unit; }};
        out.precision = MultiplierPrecision::sixteen;
        const LinearConstants constants = lowering.requantized(layer, "fc2", in, out);
        CHECK(builder.error().ok() == (count <= kMostWeights));
        if (!builder.error().ok()) {
          CHECK(builder.error().code() == Code::unsupported);
          CHECK(builder.error().message().find("'fc2' needs sums of more than 32 bits") != std::string::npos);
          continue;
        }
        // All inputs at their end: no sum can be larger, and it must not wrap.
        std::vector<std::uint8_t> row(2 * kInputs, 255);
        std::fill(row.begin() + kInputs, row.end(), std::uint8_t{15});
        const Program& program = builder.program();
        std::vector<ScratchLine> scratch = scratch_of(kernels::linear_scratch_bytes(kInputs));
        std::vector<std::int16_t> result(static_cast<std::size_t>(kernels::padded_columns(1)));
        kernels::LinearArgs args{};
        args.src = row.data();
        args.src_stride = 2 * kInputs;
        args.plane_stride = kInputs;
        args.rows = 1;
        args.weights = {program.constants[constants.tiles].as<std::uint8_t>(),
                        program.constants[constants.zero_points].as<std::uint8_t>(), static_cast<int>(constants.bits),
                        1, kInputs};
        args.requantizer.bias = program.constants[constants.bias].as<std::int32_t>();
        args.requantizer.shift = program.constants[constants.shift].as<std::uint8_t>();
        args.requantizer.multiplier = program.constants[constants.multiplier].as<std::int16_t>();
        args.epilogue = kernels::Epilogue::values;
        args.dst = result.data();
        args.dst_stride = kernels::padded_columns(1);
        args.scratch = scratch.data();
        const double exact = (negative ? -240.0 : 240.0) * count * (kHighest - zero_point) * in_scale * 1e-5 / unit;
        for (const Isa isa : available_isas()) {
          kernels::kernel_table(isa).linear->run(args);
          CHECK(std::abs(result[0] - exact) <= 1.5);
        }
      }
    }
  }
}

TEST_CASE("sums of 32 bits: a network whose second layer's sums may be larger is refused with a reason") {
  VitDescription vit = small_vit();
  vit.depth = 1;
  vit.mlp_dim = kInputs;
  FloatNetwork network = random_network(vit, 31);
  SyntheticPictures pictures(2, 32, 32, 5);
  ConvertOptions options{
      .weight_bits = 4, .activation_bits = 4, .feedback = false, .equalise_heads = false, .plan = {}};
  const Result<Conversion> conversion = convert(network, pictures, options, kSilent);
  REQUIRE(conversion.ok());
  Plan plan = conversion.value().plan;
  plan.activations["blocks.0.mlp.fc2.input"] = {table_scheme(two_scaled_activations(4, 3, 4), 4, 12)};
  plan.weights["blocks.0.mlp.fc2"] = {4, WeightRange::max};
  FloatLinear& fc2 = linear_of(network, "blocks.0.mlp.fc2");
  fc2.bias[0] = 0;
  for (const int count : {kMostWeights, kMostWeights + 1}) {
    for (int i = 0; i < kInputs; ++i) fc2.weight[static_cast<std::size_t>(i)] = i < count ? 0.01f : 0;
    const Result<LoweredModel> lowered = lower(network, plan);
    CHECK_MESSAGE(lowered.ok() == (count == kMostWeights), lowered.status().message());
    if (lowered.ok()) continue;
    CHECK(lowered.status().code() == Code::unsupported);
    CHECK(lowered.status().message().find("'blocks.0.mlp.fc2' needs sums of more than 32 bits") != std::string::npos);
  }
}
