#include "engine/ops/attention.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

#include "converter/float/projected_zero.h"
#include "converter/lower/attention_parameters.h"
#include "converter/lower/attention_sets.h"
#include "converter/lower/lowering.h"
#include "engine/ops/attention_sets.h"

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

using HeadParameters = std::array<std::int32_t, kAttentionParameters>;

// Of a token whose input to the projection is zero: what becomes of its key and value.
std::vector<std::uint8_t> pad_row(TensorId key, TensorId value, const Lowering& lowering) {
  const int head_dim = lowering.network.at(key).head_columns();
  std::vector<std::uint8_t> codes;
  for (const TensorId id : {key, value}) {
    const std::vector<float> row = projected_zero(lowering.network, id);
    for (int c = 0; c < static_cast<int>(row.size()); ++c) {
      const UniformScheme& grid = lowering.scheme(id, c / head_dim).grid;
      const double code = std::round(row[static_cast<std::size_t>(c)] / grid.scale) + grid.zero_point;
      codes.push_back(static_cast<std::uint8_t>(std::clamp<double>(code, 0, grid.highest_code())));
    }
  }
  return codes;
}

// Which rows see each other, and how much their positions count.
void set_places(const Attention& attention, const Node& node, const std::vector<HeadParameters>& parameters,
                Lowering& lowering, AttentionOp& op) {
  ProgramBuilder& builder = lowering.builder;
  AttentionSetList list;
  int keys = lowering.in(node, 1).rows;
  if (attention.windows) {
    list = sets_of_windows(*attention.windows);
    for (AttentionSetList::Set& set : list.sets) {
      for (std::int32_t& row : set.rows) row = lowering.order(node.inputs[0]).row(row);
    }
    keys = attention.windows->window_tokens();
  } else {
    AttentionSetList::Set all{{}, {}, lowering.out(node, 1).rows};
    for (int j = 0; j < keys; ++j) all.rows.push_back(j), all.slots.push_back(j);
    list.sets.push_back(std::move(all));
  }
  const LoweredSets sets = lower_sets(list);
  if (attention.windows) {
    op.sets = builder.constant(node.name + ".sets", DataType::s32, sets.words);
    op.most_keys = sets.most_keys;
    op.local_rows = attention_set_facts(builder.program().constants[op.sets]).local_rows;
    if (list.has_pads) {
      op.pad_row =
          builder.constant(node.name + ".pad_row", DataType::u8, pad_row(node.inputs[1], node.inputs[2], lowering));
    }
  }
  if (attention.bias.empty()) return;
  std::vector<std::int16_t> bias;
  std::vector<std::int32_t> shifts;
  const std::size_t of_head = attention.bias.size() / parameters.size();
  for (std::size_t h = 0; h < parameters.size(); ++h) {
    const UniformScheme& query = lowering.scheme(node.inputs[0], static_cast<int>(h)).grid;
    const double farthest = op.head_dim * std::max<double>(query.highest_code(), query.zero_point);
    const auto lowered = lower_bias(sets, attention.bias.data() + h * of_head, keys, parameters[h], farthest);
    if (!lowered.ok()) return lowering.fail(node.name, lowered.status());
    bias.insert(bias.end(), lowered.value().values.begin(), lowered.value().values.end());
    shifts.push_back(lowered.value().shift);
  }
  op.bias = builder.constant(node.name + ".bias", DataType::s16, bias);
  op.bias_columns = sets.bias_columns;
  op.bias_shifts = builder.constant(node.name + ".bias_shifts", DataType::s32, shifts);
}

// Query, key and value in one row per token, or queries by themselves.
void set_sources(const Node& node, Lowering& lowering, AttentionOp& op) {
  const LoweredTensor &query = lowering.at(node.inputs[0]), &key = lowering.at(node.inputs[1]),
                      &value = lowering.at(node.inputs[2]);
  op.src = query.buffer;
  const int columns = lowering.in(node, 0).columns, all = static_cast<int>(lowering.builder.at(query.buffer).columns);
  if (all == 3 * columns && key.buffer == query.buffer && value.buffer == query.buffer && query.first_column == 0 &&
      key.first_column == columns && value.first_column == 2 * columns) {
    return;
  }
  if (all != columns) {
    return lowering.refuse(node, "all that one linear layer writes as query, key and value, or a query by itself");
  }
  op.key_src = key.buffer;
  op.value_src = value.buffer;
  op.key_column = static_cast<std::uint32_t>(key.first_column);
  op.value_column = static_cast<std::uint32_t>(value.first_column);
}

}  // namespace

void emit(const Attention& attention, const Node& node, Lowering& lowering) {
  const TensorId query = node.inputs[0], key = node.inputs[1], value = node.inputs[2];
  const int heads = lowering.in(node, 0).heads, head_dim = lowering.in(node, 0).head_columns();
  // The factor from a head's sums to the result must stay below 1 even where the sum of the codes is smallest.
  double largest_value_scale = 0;
  for (int h = 0; h < heads; ++h) {
    largest_value_scale = std::max(largest_value_scale, lowering.scheme(value, h).grid.scale);
  }
  const Destination out = lowering.destination(node, 1, largest_value_scale / kLargestRatio);
  std::vector<HeadParameters> parameters;
  for (int h = 0; h < heads; ++h) {
    const auto head = attention_parameters(lowering.scheme(query, h).grid, lowering.scheme(key, h).grid,
                                           lowering.scheme(value, h).grid, out.codes, head_dim);
    if (!head.ok()) return lowering.fail(node.name, head.status());
    parameters.push_back(head.value());
  }
  AttentionOp op;
  set_sources(node, lowering, op);
  op.dst = out.buffer;
  op.max_code = out.max_code;
  op.heads = static_cast<std::uint32_t>(heads);
  op.head_dim = static_cast<std::uint32_t>(head_dim);
  op.queries = static_cast<std::uint32_t>(attention.queries);
  std::vector<std::int32_t> numbers;
  for (const HeadParameters& head : parameters) numbers.insert(numbers.end(), head.begin(), head.end());
  op.parameters = lowering.builder.constant(node.name + ".parameters", DataType::s32, numbers);
  set_softmax(node, lowering, op);
  set_places(attention, node, parameters, lowering, op);
  lowering.builder.step(node.name, op);
  lowering.put(node.outputs[1], out);
}

}  // namespace intvit
