#include "engine/ops/attention.h"

#include <algorithm>

#include "engine/ops/attention_sets.h"
#include "engine/ops/attention_weights.h"
#include "engine/ops/description.h"
#include "engine/ops/execution.h"

namespace intvit {

using kernels::SoftmaxKind;

namespace {

void set_softmax(const AttentionOp& op, std::int64_t head, const Execution& e, kernels::AttentionArgs& args) {
  args.softmax_kind = op.softmax_kind;
  if (args.softmax_kind == SoftmaxKind::exponential) return;
  args.two_planes = op.planes == 2;
  args.softmax_table.thresholds = e.constant<std::int16_t>(op.thresholds) + head * (op.levels - 1);
  args.softmax_table.values = e.constant<std::int16_t>(op.values) + head * op.levels;
  args.softmax_table.levels = static_cast<int>(op.levels);
  if (args.softmax_kind != SoftmaxKind::absolute) return;
  const auto* groups = e.constant<std::int32_t>(op.row_groups);
  args.softmax_table.groups = static_cast<int>(op.groups);
  args.softmax_table.group_bounds = groups;
  args.softmax_table.group_offsets = groups + op.groups;
  args.softmax_table.group_divisors = groups + 2 * op.groups;
}

// All but which queries, and what lies ahead.
kernels::AttentionArgs args_of_head(const AttentionOp& op, std::int64_t head, const Execution& e) {
  const Buffer& to = e.buffer(op.dst);
  const std::int32_t* p = e.constant<std::int32_t>(op.parameters) + head * kAttentionParameters;
  const std::int64_t column = head * op.head_dim;
  kernels::AttentionArgs args{};
  args.q = e.row<std::uint8_t>(op.src, 0) + column;
  args.q_stride = args.k_stride = args.v_stride = e.buffer(op.src).stride;
  args.k = args.q + to.columns;
  args.v = args.k + to.columns;
  if (op.apart()) {
    args.k = e.row<std::uint8_t>(op.key_src, 0) + op.key_column + column;
    args.v = e.row<std::uint8_t>(op.value_src, 0) + op.value_column + column;
    args.k_stride = e.buffer(op.key_src).stride;
    args.v_stride = e.buffer(op.value_src).stride;
  }
  if (op.bias != kNone) {
    args.bias = e.constant<std::int16_t>(op.bias) + head * op.bias_columns;
    args.bias_shift = e.constant<std::int32_t>(op.bias_shifts)[head];
  }
  args.dst = e.row<std::uint8_t>(op.dst, 0) + head * op.head_dim * byte_size(to.type);
  args.dst_stride = to.stride;
  args.max_code = static_cast<int>(op.max_code);
  args.values = to.type == DataType::s16;
  set_softmax(op, head, e, args);
  args.tokens = static_cast<int>(op.sets == kNone ? e.buffer(op.keys()).rows : op.most_keys);
  args.head_dim = static_cast<int>(op.head_dim);
  args.head = {p[kQZero],
               p[kVZero],
               {p[kSoftmaxLeftShift], p[kSoftmaxRightShift], static_cast<std::uint16_t>(p[kSoftmaxMultiplier])},
               static_cast<std::uint32_t>(p[kRatio]),
               p[kRatioShift],
               p[kOutZero]};
  args.scratch = e.workspace.scratch;
  return args;
}

void attend(const kernels::AttentionArgs& args, std::int64_t head, const Execution& e) {
  if (e.attention_weights.weights != nullptr) write_attention_weights(args, head, e.attention_weights);
  e.kernels.attention->run(args);
}

}  // namespace

std::unique_ptr<Operation> make_attention() { return std::make_unique<AttentionOp>(); }

std::vector<Operand> AttentionOp::operands() const {
  std::vector<Operand> operands{{"src", src, Access::read}, {"dst", dst, Access::write, {max_code, 1}}};
  if (apart()) {
    operands.push_back({"key_src", key_src, Access::read});
    operands.push_back({"value_src", value_src, Access::read});
  }
  return operands;
}

std::uint32_t AttentionOp::row_local_rows(const Tensors& tensors) const {
  const std::uint32_t rows = tensors.rows_of(src);
  // Sets of one row would be units of one, as rows of other operations are, and a thread's share would be of heads.
  const bool local = local_rows > 1 && rows % local_rows == 0 && rows == tensors.rows_of(dst);
  return local ? rows : 0;
}

std::uint32_t AttentionOp::keys_of_a_query(const Tensors& tensors) const {
  return sets == kNone ? tensors.buffers[keys()].rows : most_keys;
}

// Queries x keys and probabilities x values: D each, per head.
std::uint64_t AttentionOp::macs(const Tensors& tensors) const {
  const std::uint64_t products = sets == kNone ? std::uint64_t{tensors.buffers[dst].rows} * keys_of_a_query(tensors)
                                               : attention_set_facts(tensors.constants[sets]).products;
  return 2 * products * heads * head_dim;
}

std::size_t AttentionOp::scratch_bytes(const Tensors& tensors) const {
  return kernels::attention_scratch_bytes(static_cast<int>(keys_of_a_query(tensors)), static_cast<int>(head_dim));
}

std::string AttentionOp::describe(const Tensors& tensors) const {
  constexpr const char* kKinds[] = {"exponential", "relative", "absolute"};
  Description words;
  words.add(std::string(kKinds[static_cast<std::size_t>(softmax_kind)]) + " softmax");
  if (softmax_kind != SoftmaxKind::exponential) {
    words.add(levels, "levels");
    words.add_if(groups > 1, std::to_string(groups) + " groups of rows");
    words.add_planes(planes);
  }
  words.add_if(queries > 0, queries == 1 ? "one query" : "the first " + std::to_string(queries) + " queries");
  words.add_if(sets != kNone, "sets of up to " + std::to_string(most_keys) + " rows");
  words.add_if(bias != kNone, "bias");
  words.add_result(tensors.buffers[dst], max_code);
  return words.take();
}

void AttentionOp::execute(const Execution& e) const {
  if (sets == kNone) {
    execute_queries(e);
  } else {
    execute_sets(e);
  }
}

// Units are (set, head) in that order, and a thread does the sets of one head after another, so that what the head's
// sets have in common is made once.
void AttentionOp::execute_sets(const Execution& e) const {
  const kernels::AttentionSets all = attention_sets(e.tensors.constants[sets]);
  // In a chain a thread has all heads of its sets.
  const bool chained = e.part.unit > 1;
  const Range rows = e.share(e.buffer(src).rows), shared = e.share(std::int64_t{all.end} * heads);
  const Range units = chained ? Range{rows.begin / local_rows * heads, rows.end / local_rows * heads} : shared;
  const std::uint8_t* pads = pad_row == kNone ? nullptr : e.constant<std::uint8_t>(pad_row);
  for (std::int64_t head = 0; head < heads; ++head) {
    // Sets s with units.begin <= s * heads + head < units.end.
    const auto first_from = [&](std::int64_t unit) {
      return std::max<std::int64_t>(0, (unit - head + heads - 1) / heads);
    };
    const std::int64_t begin = first_from(units.begin), end = first_from(units.end);
    if (begin >= end) continue;
    kernels::AttentionArgs args = args_of_head(*this, head, e);
    args.sets = all;
    args.sets.begin = static_cast<int>(begin);
    args.sets.end = static_cast<int>(end);
    if (pads != nullptr) {
      args.sets.pad_k = pads + head * head_dim;
      args.sets.pad_v = args.sets.pad_k + heads * head_dim;
    }
    if (head + 1 == heads) {
      args.next = e.next_weights.data();
      args.next_bytes = e.next_weights.size();
    }
    attend(args, head, e);
  }
}

// Units are (head, query) in that order: a thread packs K and V only of the heads that it touches.
void AttentionOp::execute_queries(const Execution& e) const {
  const std::int64_t asked = queries_of(e.buffer(src).rows);
  const Range units = e.share(asked * heads);
  for (std::int64_t begin = units.begin; begin < units.end;) {
    const std::int64_t head = begin / asked;
    const std::int64_t query = begin % asked;
    const std::int64_t count = std::min(units.end - begin, asked - query);
    kernels::AttentionArgs args = args_of_head(*this, head, e);
    args.query_begin = static_cast<int>(query);
    args.query_end = static_cast<int>(query + count);
    args.written_elsewhere = e.written_elsewhere;
    args.next_head = args.written_elsewhere && begin + count < units.end;
    if (begin + count == units.end) {
      args.next = e.next_weights.data();
      args.next_bytes = e.next_weights.size();
    }
    attend(args, head, e);
    begin += count;
  }
}

}  // namespace intvit
