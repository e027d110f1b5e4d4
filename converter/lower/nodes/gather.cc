#include "engine/ops/gather.h"

#include "converter/lower/lowering.h"

namespace intvit {

// Values keep the unit that they have.
void emit(const Gather& gather, const Node& node, Lowering& lowering) {
  const LoweredTensor* x = lowering.values_read(node);
  if (x == nullptr) return;
  const Tensor& result = lowering.out(node, 0);
  if (result.role != Role::values && result.role != Role::linear_input) {
    return lowering.refuse(node, "a result of values or codes for a linear layer, which '" + result.name + "' is not");
  }
  GatherOp op;
  op.src = x->buffer;
  op.dst = lowering.builder.buffer(DataType::s16, result.rows, result.columns);
  op.join = static_cast<std::uint32_t>(result.columns / lowering.in(node, 0).columns);
  std::vector<std::int32_t> map;
  const std::vector<std::int32_t> merged = expand(gather.merge);
  for (std::int32_t row = 0; row < result.rows; ++row) {
    const std::int32_t token = lowering.order(node.outputs[0]).token(row);
    for (int i = 0; i < kMergedTokens; ++i) {
      map.push_back(lowering.order(node.inputs[0]).row(merged[static_cast<std::size_t>(token * kMergedTokens + i)]));
    }
  }
  op.map = lowering.builder.constant(node.name + ".map", DataType::s32, map);
  lowering.builder.step(node.name, op);
  const LoweredTensor gathered{op.dst, x->codes};
  if (result.role == Role::values) return lowering.put(node.outputs[0], gathered);
  lowering.put_codes_of(gathered, node.outputs[0]);
}

}  // namespace intvit
