#include "engine/ops/multiply.h"

#include <algorithm>
#include <cmath>

#include "converter/lower/activation_table.h"
#include "converter/lower/lowering.h"
#include "converter/lower/residual_stream.h"
#include "engine/ops/linear.h"

namespace intvit {
namespace {

// Sums are clamped to 16 bits before a multiplier of a half to one, so a column may end at half of the range.
constexpr double kRoom = 2;

// Gates and x as 16-bit values side by side, under the layer's name.
BufferId emit_factors(const Node& linear, const LinearInput& in, double gate_unit, double x_unit, Lowering& lowering) {
  const Tensor& gate = lowering.out(linear, 0);
  LinearOp op = op_reading(lowering.at(linear.inputs[0]));
  op.dst = lowering.builder.buffer(DataType::s16, gate.rows, 2 * gate.columns);
  LinearOutput factors{[=, columns = gate.columns](int c) { return c < columns ? gate_unit : x_unit; }};
  factors.precision = MultiplierPrecision::sixteen;
  op.linear = lowering.linears.requantized(*linear.weights(), linear.name, in, factors);
  lowering.builder.step(linear.name, op);
  return op.dst;
}

}  // namespace

// The engine's operation reads gate and x from one row per token.
void emit(const Multiply& multiply, const Node& node, Lowering& lowering) {
  const Node& linear = lowering.network.node(lowering.network.producer(node.inputs[0]));
  if (linear.as<Linear>() == nullptr || linear.outputs != node.inputs) {
    return lowering.refuse(node, "gate and factor that are, in this order, all that one linear layer writes");
  }
  if (const Role role = lowering.out(node, 0).role; role != Role::linear_input && role != Role::values) {
    return lowering.refuse(node, "a result of values or of codes for a linear layer");
  }
  const std::optional<LinearInput> in = lowering.codes_read(linear);
  if (!in) return;
  const auto magnitude = [&](std::size_t i) { return lowering.plan.magnitudes.at(lowering.in(node, i).name); };
  const double coarsest_sum = in->scale * lowering.linears.coarsest_scale(linear.name);
  const ActivationTable table = make_activation_table(multiply.function, kRoom * magnitude(0), coarsest_sum);
  const double gate_unit = std::ldexp(1.0, -table.fraction_bits);
  double x_unit = std::max(least_unit(coarsest_sum), kRoom * unit_of_values(magnitude(1)));
  const Destination out = lowering.destination(node, 0, least_unit(gate_unit * x_unit));
  // Products must not be so fine that the zero point is no bias of theirs.
  const double zero_point = out.codes.zero_point;
  x_unit = std::max(x_unit, least_factor(zero_point) * out.codes.scale / gate_unit);
  const Result<FixedPoint> fixed =
      make_fixed_point(gate_unit * x_unit / out.codes.scale, zero_point, 0,
                       out.codes.bits == 16 ? MultiplierPrecision::sixteen : MultiplierPrecision::codes);
  if (!fixed.ok()) return lowering.fail(node.name, fixed.status());

  MultiplyOp op;
  op.src = emit_factors(linear, *in, gate_unit, x_unit, lowering);
  op.dst = out.buffer;
  op.activation = lowering.builder.constant(node.name + ".activation", DataType::s16, table.entries);
  op.activation_segment_bits = static_cast<std::uint32_t>(table.segment_bits);
  op.bias = static_cast<std::uint32_t>(fixed.value().bias);
  op.shift = fixed.value().shift;
  op.multiplier = static_cast<std::uint32_t>(fixed.value().multiplier);
  op.max_code = out.max_code;
  lowering.builder.step(node.name, op);
  lowering.put(node.outputs[0], out);
}

}  // namespace intvit
