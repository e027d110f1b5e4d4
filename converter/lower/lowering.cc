#include "converter/lower/lowering.h"

#include <algorithm>

#include "converter/lower/residual_stream.h"
#include "engine/ops/aside.h"

namespace intvit {
namespace {

// Codes of rows, [4][rows].
void reorder(std::vector<std::int16_t>& codes, const RowOrder& order) {
  if (order.is_natural()) return;
  const std::vector<std::int16_t> natural = codes;
  const std::size_t rows = codes.size() / 4;
  for (std::size_t i = 0; i < codes.size(); ++i) {
    codes[i] = natural[i / rows * rows + static_cast<std::size_t>(order.token(static_cast<std::int32_t>(i % rows)))];
  }
}

}  // namespace

LinearOp op_reading(const LoweredTensor& x) {
  LinearOp op;
  op.src = x.buffer;
  op.planes = static_cast<std::uint32_t>(x.planes());
  op.aside = x.aside;
  return op;
}

Lowering::Lowering(const FloatNetwork& float_network, const Plan& its_plan, RoundedLayers rounded)
    : network(float_network),
      plan(its_plan),
      linears(builder, its_plan, std::move(rounded)),
      stream_units_(float_network.tensors.size(), 0),
      tensors_(float_network.tensors.size()),
      orders_(row_orders(float_network)) {
  for (const Stream& stream : streams_of(network)) {
    const double unit = residual_unit(network, stream, plan, linears);
    for (const TensorId id : stream.tensors) stream_units_[static_cast<std::size_t>(id)] = unit;
  }
}

Destination Lowering::destination(const Node& node, std::size_t i, double least_unit) {
  const Tensor& tensor = out(node, i);
  const auto buffer = [&](DataType type) { return builder.buffer(type, tensor.rows, tensor.columns); };
  if (tensor.role == Role::residual) {
    return {buffer(DataType::s16), {16, stream_unit(node.outputs[i]), 0}};
  }
  if (tensor.role == Role::values) {
    return {buffer(DataType::s16), {16, std::max(unit_of_values(plan.magnitudes.at(tensor.name)), least_unit), 0}};
  }
  if (tensor.role != Role::linear_input) {
    refuse(node, "a result of a kind that it can write in this version, which '" + tensor.name + "' is not");
    return {};
  }
  const ActivationScheme& s = scheme(node.outputs[i]);
  if (s.is_plain()) {
    return {buffer(DataType::u8), s.grid, static_cast<std::uint32_t>(s.grid.highest_code())};
  }
  const Result<FineUnit> unit = fine_unit(s, least_unit);
  if (!unit.ok()) fail(tensor.name, unit.status());
  const FineUnit fine = unit.ok() ? unit.value() : FineUnit{1, 1};
  return {buffer(DataType::s16), {16, fine.unit, 0}, 255, s, fine};
}

Destination Lowering::codes_of_heads(TensorId id) {
  const Tensor& tensor = network.at(id);
  const UniformScheme& grid = scheme(id).grid;
  return {builder.buffer(DataType::u8, tensor.rows, tensor.columns), grid,
          static_cast<std::uint32_t>(grid.highest_code())};
}

void Lowering::put(TensorId id, const Destination& destination) {
  if (!destination.encoded) return put(id, LoweredTensor{destination.buffer, destination.codes});
  const std::string& name = network.at(id).name;
  Result<Encoding> made = make_encoding(*destination.encoded, destination.unit);
  if (!made.ok()) return fail(name, made.status());
  Encoding e = made.take();
  const Buffer src = builder.at(destination.buffer);
  e.op.src = destination.buffer;
  e.op.dst = builder.buffer(DataType::u8, static_cast<int>(src.rows), static_cast<int>(src.columns), false,
                            static_cast<int>(e.op.planes));
  if (!e.values.empty()) {
    e.op.thresholds = builder.constant(name + ".thresholds", DataType::s16, e.thresholds);
    e.op.values = builder.constant(name + ".values", DataType::s16, e.values);
  } else if (!e.codes.empty()) {
    if (e.op.kind == kernels::EncodeKind::rows) reorder(e.codes, order(id));
    e.op.codes = builder.constant(name + ".codes", DataType::s16, e.codes);
  }
  if (e.side > 0) {
    e.op.aside = builder.buffer(DataType::s16, static_cast<int>(src.rows), kernels::aside_words(e.side), true);
  }
  builder.step(name, e.op);
  put(id, LoweredTensor{e.op.dst, destination.encoded->grid, 0, e.op.aside});
}

void Lowering::put_codes_of(const LoweredTensor& values, TensorId id) {
  const ActivationScheme& wanted = scheme(id);
  Destination out{values.buffer, values.codes};
  out.encoded = wanted.is_plain() ? as_table(wanted.grid) : wanted;
  out.unit = {values.codes.scale, 1};
  put(id, out);
}

const LoweredTensor* Lowering::values_read(const Node& node) {
  const Role role = in(node, 0).role;
  if (role == Role::residual || role == Role::values) return &at(node.inputs[0]);
  refuse(node, "16-bit values to read, which '" + in(node, 0).name + "' are not");
  return nullptr;
}

bool Lowering::reads_rows(const Node& node, int count) {
  if (count == in(node, 0).rows || order(node.inputs[0]).is_natural()) return true;
  refuse(node, "all rows of '" + in(node, 0).name + "', which lie window by window");
  return false;
}

std::optional<LinearInput> Lowering::codes_read(const Node& node) {
  const Tensor& tensor = in(node, 0);
  if (tensor.role != Role::linear_input) {
    refuse(node, "codes to multiply, which '" + tensor.name + "' are not");
    return std::nullopt;
  }
  const LoweredTensor& lowered = at(node.inputs[0]);
  // Several rows that are read as one leave gaps where each of them is padded.
  const int stride = static_cast<int>(builder.at(lowered.buffer).stride) / lowered.planes();
  const int rows = node.weights()->in / tensor.columns;
  LinearInput input{lowered.codes.scale, lowered.codes.zero_point, rows * stride, {}, lowered.codes.highest_code()};
  if (lowered.aside != kNone) input.aside = static_cast<int>(most_aside(builder.at(lowered.aside)));
  for (int r = 0; r < rows; ++r) {
    for (int c = 0; c < tensor.columns; ++c) input.placement.push_back(r * stride + c);
  }
  return input;
}

}  // namespace intvit
