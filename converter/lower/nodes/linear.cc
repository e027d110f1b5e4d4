#include "engine/ops/linear.h"

#include <algorithm>
#include <cmath>

#include "converter/lower/lowering.h"
#include "converter/lower/residual_stream.h"

namespace intvit {
namespace {

// Query, key and value side by side, or one of them alone, each column in the codes of its head.
void emit_heads(const FloatLinear& layer, const Node& node, const LinearPart& part, const LinearInput& in,
                Lowering& lowering) {
  const Tensor& first = lowering.out(node, 0);
  LinearOp op = op_reading(lowering.at(node.inputs[0]));
  op.dst = lowering.builder.buffer(DataType::u8, first.rows, part.count);
  const auto output = [&](int column) { return node.outputs[static_cast<std::size_t>(column / first.columns)]; };
  op.max_code = static_cast<std::uint32_t>(lowering.scheme(output(part.first)).grid.highest_code());
  const auto scheme = [&](int column) -> const UniformScheme& {
    const TensorId id = output(column);
    return lowering.scheme(id, column % first.columns / lowering.network.at(id).head_columns()).grid;
  };
  op.linear = lowering.linears.requantized(
      layer, node.name, in,
      {[&](int c) { return scheme(c).scale; }, [&](int c) { return static_cast<double>(scheme(c).zero_point); }}, part);
  lowering.builder.step(part.name, op);
  for (int c = 0; c < part.count; c += first.columns) {
    const TensorId id = output(part.first + c);
    lowering.put(id, LoweredTensor{op.dst, lowering.scheme(id).grid, c});
  }
}

void emit_logits(const FloatLinear& layer, const Node& node, const LinearInput& in, Lowering& lowering) {
  const double unit = std::exp2(-16);
  LinearOp op = op_reading(lowering.at(node.inputs[0]));
  op.dst = lowering.builder.buffer(DataType::s32, lowering.out(node, 0).rows, layer.out);
  op.kind = kernels::Epilogue::logits;
  op.linear = lowering.linears.logits(layer, node.name, in, unit);
  lowering.builder.step(node.name, op);
  lowering.put(node.outputs[0], LoweredTensor{op.dst, {32, unit, 0}});
}

// In place: nobody needs the stream as it was (check_network).
void emit_addition(const FloatLinear& layer, const Node& node, const LinearInput& in, Lowering& lowering) {
  const TensorId stream = addend(node);
  const double unit = lowering.stream_unit(stream);
  LinearOp op = op_reading(lowering.at(node.inputs[0]));
  op.dst = lowering.at(stream).buffer;
  op.kind = kernels::Epilogue::residual;
  LinearOutput out{[unit](int) { return unit; }};
  out.precision = MultiplierPrecision::sixteen;
  op.linear = lowering.linears.requantized(layer, node.name, in, out);
  op.coarse_steps = coarse_steps(lowering.plan, lowering.out(node, 0), unit, lowering.builder);
  lowering.builder.step(node.name, op);
  lowering.put(node.outputs[0], lowering.at(stream));
}

// Codes for another linear layer, values, or the beginning of a stream: output `i`, which is `part` of the layer.
void emit_result(const FloatLinear& layer, const Node& node, std::size_t i, const LinearPart& part,
                 const LinearInput& in, Lowering& lowering) {
  double unit = least_unit(in.scale * lowering.linears.coarsest_scale(node.name));
  // Sums are clamped to 16 bits before a multiplier of a half to one, so a column may end at half of the range.
  const Tensor& values = lowering.out(node, i);
  if (values.role == Role::values) unit = std::max(unit, 2 * unit_of_values(lowering.plan.magnitudes.at(values.name)));
  const Destination result = lowering.destination(node, i, unit);
  if (!lowering.builder.error().ok()) return;
  LinearOp op = op_reading(lowering.at(node.inputs[0]));
  op.dst = result.buffer;
  op.max_code = result.max_code;
  LinearOutput out{[&](int) { return result.codes.scale; },
                   [&](int) { return static_cast<double>(result.codes.zero_point); }};
  if (result.codes.bits == 16) out.precision = MultiplierPrecision::sixteen;
  op.linear = lowering.linears.requantized(layer, node.name, in, out, part);
  lowering.builder.step(part.name, op);
  lowering.put(node.outputs[i], result);
}

// With what reads it.
bool is_turned(const FloatNetwork& network, TensorId id) {
  const std::vector<int> readers = network.readers(id);
  return readers.size() == 1 && network.node(readers[0]).as<Rotate>() != nullptr;
}

// Outputs of different kinds are made one by one, under their own names.
void emit_parts(const FloatLinear& layer, const Node& node, const LinearInput& in, Lowering& lowering) {
  for (std::size_t i = 0; i < node.outputs.size(); ++i) {
    const Tensor& output = lowering.out(node, i);
    const LinearPart part = {output.name, static_cast<int>(i) * output.columns, output.columns};
    if (is_turned(lowering.network, node.outputs[i])) continue;
    if (is_per_head(output.role)) {
      emit_heads(layer, node, part, in, lowering);
    } else if (output.role == Role::values) {
      emit_result(layer, node, i, part, in, lowering);
    } else {
      lowering.refuse(node, "one result, or query, key, value and values");
    }
  }
}

}  // namespace

void emit(const Linear& layer, const Node& node, Lowering& lowering) {
  const Role role = lowering.out(node, 0).role;
  if (role == Role::activation_input) return;  // with what reads it
  if (node.outputs.size() == 1 && is_turned(lowering.network, node.outputs[0])) return;
  const std::optional<LinearInput> in = lowering.codes_read(node);
  if (!in) return;
  const LinearPart all = {node.name, 0, layer.linear.out};
  if (std::all_of(node.outputs.begin(), node.outputs.end(),
                  [&](TensorId id) { return is_per_head(lowering.network.at(id).role); })) {
    return emit_heads(layer.linear, node, all, *in, lowering);
  }
  if (node.outputs.size() > 1) return emit_parts(layer.linear, node, *in, lowering);
  if (role == Role::logits) return emit_logits(layer.linear, node, *in, lowering);
  if (addend(node) >= 0) return emit_addition(layer.linear, node, *in, lowering);
  emit_result(layer.linear, node, 0, all, *in, lowering);
}

}  // namespace intvit
