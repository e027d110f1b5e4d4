#include "engine/ops/layer_norm.h"
#include "converter/lower/layer_norm_constants.h"
#include "converter/lower/lowering.h"

namespace intvit {

void emit(const LayerNorm& norm, const Node& node, Lowering& lowering) {
  const LoweredTensor* x = lowering.values_read(node);
  if (x == nullptr) return;
  const Destination out = lowering.destination(node, 0, 0);
  const Result<LayerNormConstants> constants = layer_norm_constants(norm.norm, out.codes, norm.eps, x->codes.scale);
  if (!constants.ok()) return lowering.fail(node.name, constants.status());
  const LayerNormConstants& c = constants.value();
  LayerNormOp op;
  op.src = x->buffer;
  op.dst = out.buffer;
  op.max_code = out.max_code;
  op.first_row = static_cast<std::uint32_t>(norm.first_row);
  op.affine = lowering.builder.constant(node.name + ".affine", DataType::s16, c.affine);
  op.shift = static_cast<std::uint32_t>(c.shift);
  op.beta_shift = static_cast<std::uint32_t>(c.beta_shift);
  op.epsilon_low = static_cast<std::uint32_t>(c.epsilon);
  op.epsilon_high = static_cast<std::uint32_t>(c.epsilon >> 32);
  lowering.builder.step(node.name, op);
  lowering.put(node.outputs[0], out);
}

}  // namespace intvit
