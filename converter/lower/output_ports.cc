#include "converter/lower/output_ports.h"

#include "converter/lower/fixed_point.h"
#include "engine/ops/gather.h"

namespace intvit {
namespace {

Status add_output(const NetworkOutput& output, Lowering& lowering) {
  const Role role = lowering.network.at(output.tensor).role;
  if (role != Role::logits && role != Role::residual && role != Role::values) {
    return {Code::unsupported, "an output '" + output.name + "' that is neither logits nor 16-bit values"};
  }
  LoweredTensor tensor = lowering.at(output.tensor);
  if (const RowOrder& order = lowering.order(output.tensor); !order.is_natural()) {
    const Tensor& rows = lowering.network.at(output.tensor);
    GatherOp op;
    op.src = tensor.buffer;
    op.dst = tensor.buffer = lowering.builder.buffer(DataType::s16, rows.rows, rows.columns);
    op.map = lowering.builder.constant(output.name + ".map", DataType::s32, order.to_natural(rows.rows));
    lowering.builder.step(output.name, op);
  }
  ProgramPort& port = lowering.builder.program().add_port(output.name, output.kind, tensor.buffer);
  port.first_row = static_cast<std::uint32_t>(output.first_row);
  port.rows = static_cast<std::uint32_t>(output.rows);
  port.grid_height = static_cast<std::uint32_t>(output.grid_height);
  port.grid_width = static_cast<std::uint32_t>(output.grid_width);
  // A power of two is exact, and 1 is its shortest mantissa.
  Mantissa unit = make_mantissa(tensor.codes.scale);
  while (unit.mantissa % 2 == 0) {
    unit.mantissa /= 2;
    --unit.shift;
  }
  port.mantissa = unit.mantissa;
  port.exponent = -unit.shift;
  return {};
}

}  // namespace

Status add_ports(Lowering& lowering) {
  const FloatNetwork& network = lowering.network;
  for (TensorId id = 0; id < static_cast<TensorId>(network.tensors.size()); ++id) {
    if (network.at(id).role != Role::pixels) continue;
    lowering.builder.program().add_port("picture", PortKind::picture, lowering.at(id).buffer);
  }
  for (const NetworkOutput& output : network.outputs) {
    if (Status status = add_output(output, lowering); !status.ok()) return status;
  }
  return {};
}

}  // namespace intvit
