#include "engine/ops/layer_norm.h"

#include <vector>

#include "converter/lower/layer_norm_constants.h"
#include "converter/lower/lowering.h"
#include "engine/ops/gather.h"

namespace intvit {
namespace {

// A stream stays where it lies, as nobody needs it as it was (check_network).
Destination destination(const Node& node, Lowering& lowering) {
  const TensorId stream = addend(node), result = node.outputs[0];
  if (stream >= 0) return {lowering.at(stream).buffer, lowering.at(stream).codes};
  if (!is_per_head(lowering.network.at(result).role)) return lowering.destination(node, 0, 0);
  return lowering.codes_of_heads(result);
}

}  // namespace

void emit(const LayerNorm& norm, const Node& node, Lowering& lowering) {
  const LoweredTensor* x = lowering.values_read(node);
  if (x == nullptr || !lowering.reads_rows(node, lowering.out(node, 0).rows)) return;
  const Destination out = destination(node, lowering);
  std::vector<UniformScheme> codes = {out.codes};
  const Tensor& result = lowering.out(node, 0);
  if (is_per_head(result.role)) {
    codes.clear();
    for (int h = 0; h < result.heads; ++h) codes.push_back(lowering.scheme(node.outputs[0], h).grid);
  }
  const Result<LayerNormConstants> constants = layer_norm_constants(norm, codes, x->codes.scale);
  if (!constants.ok()) return lowering.fail(node.name, constants.status());
  const LayerNormConstants& c = constants.value();
  LayerNormOp op;
  op.src = x->buffer;
  // Rows that lie in another order behind it are moved there once.
  const RowOrder& order = lowering.order(node.outputs[0]);
  const bool moves = !(order == lowering.order(node.inputs[0]));
  op.dst = moves ? lowering.builder.buffer(DataType::s16, result.rows, result.columns) : out.buffer;
  op.max_code = out.max_code;
  op.first_row = static_cast<std::uint32_t>(norm.first_row);
  op.affine = lowering.builder.constant(node.name + ".affine", DataType::s16, c.affine);
  op.shift = static_cast<std::uint32_t>(c.shift);
  op.beta_shift = static_cast<std::uint32_t>(c.beta_shift);
  op.epsilon_low = static_cast<std::uint32_t>(c.epsilon);
  op.epsilon_high = static_cast<std::uint32_t>(c.epsilon >> 32);
  op.groups = static_cast<std::uint32_t>(norm.groups);
  op.centred = norm.centred ? 1 : 0;
  op.add = addend(node) >= 0 ? 1 : 0;
  lowering.builder.step(node.name, op);
  if (moves) {
    GatherOp move;
    move.src = op.dst;
    move.dst = out.buffer;
    move.map = lowering.builder.constant(node.name + ".map", DataType::s32, order.from_natural(result.rows));
    lowering.builder.step(node.name, move);
  }
  lowering.put(node.outputs[0], out);
}

}  // namespace intvit
