#include "engine/ops/attention.h"

#include <algorithm>

#include "converter/lower/attention_parameters.h"
#include "converter/lower/lowering.h"

namespace intvit {
namespace {

// value scale / result unit of attention; the smallest divisor of softmax codes is 255.
constexpr double kLargestRatio = 200;

void set_softmax(const Node& node, Lowering& lowering, AttentionOp& op) {
  const Tensor& probabilities = lowering.out(node, 0);
  const auto found = lowering.plan.softmax.find(probabilities.name);
  if (found == lowering.plan.softmax.end() || found->second.codes == SoftmaxKind::exponential) return;
  const SoftmaxEncoding e = make_softmax_encoding(found->second, probabilities.heads);
  ProgramBuilder& builder = lowering.builder;
  op.softmax_kind = e.kind;
  op.levels = e.levels;
  op.planes = e.planes;
  op.groups = e.groups;
  op.thresholds = builder.constant(node.name + ".softmax_thresholds", DataType::s16, e.thresholds);
  op.values = builder.constant(node.name + ".softmax_values", DataType::s16, e.values);
  if (e.groups > 0) op.row_groups = builder.constant(node.name + ".row_groups", DataType::s32, e.row_groups);
}

}  // namespace

// The engine's operation reads query, key and value from one row per token.
void emit(const Attention& attention, const Node& node, Lowering& lowering) {
  const Node& producer = lowering.network.node(lowering.network.producer(node.inputs[0]));
  if (producer.as<Linear>() == nullptr || producer.outputs != node.inputs) {
    return lowering.refuse(node, "query, key and value that are, in this order, all that one linear layer writes");
  }
  const TensorId query = node.inputs[0], key = node.inputs[1], value = node.inputs[2];
  const int heads = lowering.in(node, 0).heads, head_dim = lowering.in(node, 0).head_columns();
  // The factor from a head's sums to the result must stay below 1 even where the sum of the codes is smallest.
  double largest_value_scale = 0;
  for (int h = 0; h < heads; ++h) {
    largest_value_scale = std::max(largest_value_scale, lowering.scheme(value, h).grid.scale);
  }
  const Destination out = lowering.destination(node, 1, largest_value_scale / kLargestRatio);
  std::vector<std::int32_t> parameters;
  for (int h = 0; h < heads; ++h) {
    const auto head = attention_parameters(lowering.scheme(query, h).grid, lowering.scheme(key, h).grid,
                                           lowering.scheme(value, h).grid, out.codes, head_dim);
    if (!head.ok()) return lowering.fail(node.name, head.status());
    parameters.insert(parameters.end(), head.value().begin(), head.value().end());
  }
  AttentionOp op;
  op.src = lowering.at(query).buffer;
  op.dst = out.buffer;
  op.max_code = out.max_code;
  op.heads = static_cast<std::uint32_t>(heads);
  op.head_dim = static_cast<std::uint32_t>(head_dim);
  op.queries = static_cast<std::uint32_t>(attention.queries);
  op.parameters = lowering.builder.constant(node.name + ".parameters", DataType::s32, parameters);
  set_softmax(node, lowering, op);
  lowering.builder.step(node.name, op);
  lowering.put(node.outputs[1], out);
}

}  // namespace intvit
