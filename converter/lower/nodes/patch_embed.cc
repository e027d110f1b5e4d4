#include <algorithm>
#include <cmath>

#include "converter/lower/lowering.h"
#include "converter/lower/residual_stream.h"
#include "engine/ops/conv.h"
#include "kernels/gemm/tiles.h"

namespace intvit {
namespace {

ConstantId token_init(const std::vector<float>& values, double unit, BufferId stream, ProgramBuilder& builder) {
  const Buffer& dst = builder.at(stream);
  std::vector<std::int16_t> init(std::size_t{dst.rows} * dst.stride, 0);
  for (std::size_t t = 0; t < dst.rows; ++t) {
    for (std::size_t c = 0; c < dst.columns; ++c) {
      const double value = values[t * dst.columns + c];
      init[t * dst.stride + c] = static_cast<std::int16_t>(std::clamp(std::round(value / unit), -32767.0, 32767.0));
    }
  }
  return builder.constant("token_init", DataType::s16, init);
}

}  // namespace

// Pixels are codes with scale 1 and zero point 0.
void emit(const PatchEmbed& embed, const Node& node, Lowering& lowering) {
  const Preprocessing& p = lowering.network.preprocessing;
  const Tensor& stream = lowering.out(node, 1);
  const double unit = lowering.stream_unit(node.outputs[1]);
  ProgramBuilder& builder = lowering.builder;
  ConvOp op;
  op.src = builder.buffer(DataType::u8, p.height, p.width * 3, /*exact=*/true);
  op.dst = builder.buffer(DataType::s16, stream.rows, stream.columns);
  // Where there are no positions, nothing has to be read, but a stream of few bits is put on its grid.
  const std::vector<float>& added = embed.token_init;
  const bool nothing =
      embed.prefix == 0 && std::all_of(added.begin(), added.end(), [](float value) { return value == 0; });
  if (!nothing) op.init = token_init(added, unit, op.dst, builder);
  op.coarse_steps = coarse_steps(lowering.plan, stream, unit, builder);
  if (nothing && op.coarse_steps.any()) op.init = token_init(added, unit, op.dst, builder);
  op.kernel = static_cast<std::uint32_t>(embed.patch);
  op.prefix = static_cast<std::uint32_t>(embed.prefix);
  const LinearInput in{1.0, 0, kernels::padded_depth(embed.linear.in), contiguous(embed.linear.in)};
  LinearOutput out{[unit](int) { return unit; }};
  out.precision = MultiplierPrecision::sixteen;
  op.linear = lowering.linears.requantized(layer_of_codes(lowering.network, node), node.name, in, out);
  builder.step(node.name, op);
  lowering.put(node.outputs[0], LoweredTensor{op.src, {8, 1, 0}});
  lowering.put(node.outputs[1], LoweredTensor{op.dst, {16, unit, 0}});
}

}  // namespace intvit
