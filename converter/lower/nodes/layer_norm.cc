#include "engine/ops/layer_norm.h"
#include "converter/lower/layer_norm_constants.h"
#include "converter/lower/lowering.h"
#include "engine/ops/gather.h"

namespace intvit {

void emit(const LayerNorm& norm, const Node& node, Lowering& lowering) {
  const LoweredTensor* x = lowering.values_read(node);
  if (x == nullptr || !lowering.reads_rows(node, lowering.out(node, 0).rows)) return;
  const Destination out = lowering.destination(node, 0, 0);
  const Result<LayerNormConstants> constants = layer_norm_constants(norm.norm, out.codes, norm.eps, x->codes.scale);
  if (!constants.ok()) return lowering.fail(node.name, constants.status());
  const LayerNormConstants& c = constants.value();
  LayerNormOp op;
  op.src = x->buffer;
  // Rows that lie in another order behind it are moved there once.
  const Tensor& result = lowering.out(node, 0);
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
