#include "engine/ops/mean_rows.h"

#include "converter/lower/lowering.h"

namespace intvit {

// A mean has the unit of what it is the mean of, whatever follows. Codes are made of it by a table, to which all units
// are alike.
void emit(const MeanRows& mean, const Node& node, Lowering& lowering) {
  const LoweredTensor* x = lowering.values_read(node);
  if (x == nullptr || !lowering.reads_rows(node, mean.count)) return;
  const Tensor& result = lowering.out(node, 0);
  Destination out{lowering.builder.buffer(DataType::s16, result.rows, result.columns), x->codes};
  if (result.role == Role::linear_input) {
    const ActivationScheme& scheme = lowering.scheme(node.outputs[0]);
    out.encoded = scheme.kind == CodeKind::uniform ? as_table(scheme.grid) : scheme;
    out.unit = {x->codes.scale, 1};
  } else if (result.role != Role::values) {
    return lowering.refuse(node,
                           "a result of values or of codes for a linear layer, which '" + result.name + "' are not");
  }
  MeanRowsOp op;
  op.src = x->buffer;
  op.dst = out.buffer;
  op.first_row = static_cast<std::uint32_t>(mean.first_row);
  op.row_count = static_cast<std::uint32_t>(mean.count);
  op.copied_rows = static_cast<std::uint32_t>(mean.copied);
  lowering.builder.step(node.name, op);
  lowering.put(node.outputs[0], out);
}

}  // namespace intvit
