#include <algorithm>
#include <cmath>

#include "converter/lower/activation_table.h"
#include "converter/lower/lowering.h"
#include "engine/ops/linear.h"

namespace intvit {

// One operation with the linear layer in front, under that layer's name.
void emit(const Activate& activation, const Node& node, Lowering& lowering) {
  const Node& linear = lowering.network.node(lowering.network.producer(node.inputs[0]));
  if (linear.as<Linear>() == nullptr || linear.outputs.size() != 1) {
    return lowering.refuse(node, "a linear layer in front of it that writes nothing else");
  }
  if (const Role role = lowering.out(node, 0).role; role != Role::linear_input && role != Role::values) {
    return lowering.refuse(node, "a result of values or of codes for a linear layer");
  }
  const std::optional<LinearInput> in = lowering.codes_read(linear);
  if (!in) return;
  // Steps of x must be coarser than those of the sums, whose finest bits are noise anyway.
  const double coarsest_sum = in->scale * lowering.linears.coarsest_scale(linear.name);
  const ActivationTable table =
      make_activation_table(activation.function, lowering.plan.magnitudes.at(lowering.in(node, 0).name), coarsest_sum);
  Destination out = lowering.destination(node, 0, std::ldexp(1.001, -table.fraction_bits));
  // codes = x * multiplier / 2^15: the scale is moved by a fraction of a percent so that the multiplier is whole.
  // Codes finer than the steps of x, as of a place that is always 0, get these steps.
  const double multiplier = std::min(std::round(std::ldexp(1 / out.codes.scale, 15 - table.fraction_bits)), 32767.0);
  if (multiplier < 1) {
    return lowering.fail(linear.name, {Code::unsupported, "an activation scale out of range"});
  }
  const double moved = std::ldexp(1 / multiplier, 15 - table.fraction_bits) / out.codes.scale;
  out.codes.scale *= moved;
  out.unit.unit *= moved;
  // The grid moves along, except under a table that codes all values: its thresholds are simply told in the unit that
  // it is.
  if (out.encoded && uses_grid(*out.encoded)) out.encoded->grid.scale *= moved;

  LinearOp op = op_reading(lowering.at(linear.inputs[0]));
  op.dst = out.buffer;
  op.kind = kernels::Epilogue::activation;
  op.max_code = out.max_code;
  LinearOutput sums{[unit = std::ldexp(1.0, -table.fraction_bits)](int) { return unit; }};
  sums.precision = MultiplierPrecision::sixteen;
  op.linear = lowering.linears.requantized(*linear.weights(), linear.name, *in, sums);
  op.activation = lowering.builder.constant(linear.name + ".activation", DataType::s16, table.entries);
  op.activation_segment_bits = static_cast<std::uint32_t>(table.segment_bits);
  op.activation_multiplier = static_cast<std::uint32_t>(multiplier);
  op.activation_zero_point = static_cast<std::uint32_t>(out.codes.zero_point);
  lowering.builder.step(linear.name, op);
  lowering.put(node.outputs[0], out);
}

}  // namespace intvit
