#include "engine/ops/attention.h"

#include <algorithm>
#include <array>

#include "engine/ops/checker.h"
#include "engine/ops/description.h"
#include "engine/ops/execution.h"
#include "kernels/attention/attention.h"

namespace intvit {

using kernels::SoftmaxKind;

namespace {

// In files.
static_assert(static_cast<int>(SoftmaxKind::exponential) == 0 && static_cast<int>(SoftmaxKind::relative) == 1 &&
              static_cast<int>(SoftmaxKind::absolute) == 2);

constexpr std::int32_t kMaxSoftmaxLeftShift = 15;

// Of all heads.
struct HeadFacts {
  std::array<std::int32_t, kAttentionParameters> lowest, highest;
  std::array<std::int32_t, kMaxSoftmaxLeftShift + 1> q_zero;  // the highest of those with a left shift; -1: none has it
};

HeadFacts head_facts(const Constant& parameters) {
  HeadFacts facts;
  facts.lowest.fill(INT32_MAX), facts.highest.fill(INT32_MIN), facts.q_zero.fill(-1);
  const auto* end = parameters.as<std::int32_t>() + parameters.count();
  for (const auto* p = parameters.as<std::int32_t>(); p != end; p += kAttentionParameters) {
    for (std::size_t i = 0; i < kAttentionParameters; ++i) {
      facts.lowest[i] = std::min(facts.lowest[i], p[i]);
      facts.highest[i] = std::max(facts.highest[i], p[i]);
    }
    const std::int32_t shift = p[kSoftmaxLeftShift];
    if (shift < 0 || shift > kMaxSoftmaxLeftShift) continue;
    std::int32_t& q_zero = facts.q_zero[static_cast<std::size_t>(shift)];
    q_zero = std::max(q_zero, p[kQZero]);
  }
  return facts;
}

void check_heads(const AttentionOp& op, const Buffer& to, Checker& c) {
  const Constant* parameters =
      c.constant(op.parameters, DataType::s32, std::uint64_t{op.heads} * kAttentionParameters, "parameters");
  if (!c.ok()) return;
  const auto& facts = c.facts().of<HeadFacts>(*parameters, [&] { return head_facts(*parameters); });
  const auto in = [&](AttentionParameter which, std::int32_t low, std::int32_t high) {
    if (facts.lowest[which] >= low && facts.highest[which] <= high) return;
    for (std::uint32_t h = 0; h < op.heads; ++h) {
      const std::int32_t value = parameters->as<std::int32_t>()[h * std::size_t{kAttentionParameters} + which];
      c.require(value >= low && value <= high, [&] {
        return "parameter " + std::to_string(which) + " of head " + std::to_string(h) + " is " + std::to_string(value) +
               ", must be in [" + std::to_string(low) + ", " + std::to_string(high) + "]";
      });
    }
  };
  in(kQZero, 0, 255);
  in(kVZero, 0, 255);
  in(kOutZero, 0, to.type == DataType::s16 ? INT16_MAX : 255);
  in(kSoftmaxLeftShift, 0, kMaxSoftmaxLeftShift);
  in(kSoftmaxRightShift, 0, 31);
  in(kSoftmaxMultiplier, 0, 65535);
  in(kRatio, 1 << 30, INT32_MAX);
  in(kRatioShift, kernels::kMinRatioShift, kernels::kMaxRatioShift);
  if (!c.ok()) return;
  const std::uint64_t highest = c.contents(op.src).highest_code;
  for (std::size_t shift = 0; shift < facts.q_zero.size(); ++shift) {
    if (facts.q_zero[shift] < 0) continue;
    // |q - q_zero| times the distance of two codes of k, D times.
    const std::uint64_t farthest = std::max(highest, static_cast<std::uint64_t>(facts.q_zero[shift]));
    c.require((op.head_dim * farthest * highest << shift) < std::uint64_t{1} << 31,
              [&] { return "a softmax left shift of " + std::to_string(shift) + " can overflow"; });
  }
}

// Rows that share an origin and a divisor: s32 [3][groups], bounds, offsets, divisors.
void check_row_groups(const AttentionOp& op, Checker& c) {
  c.require(op.groups >= 1 && op.groups <= kernels::kMaxSoftmaxGroups,
            [&] { return std::to_string(op.groups) + " groups of rows"; });
  if (!c.ok()) return;
  const Constant* groups = c.constant(op.row_groups, DataType::s32, std::uint64_t{3} * op.groups, "row groups");
  if (!c.ok()) return;
  const auto* numbers = groups->as<std::int32_t>();
  c.require(std::is_sorted(numbers, numbers + op.groups - 1), "bounds of row groups do not ascend");
  for (std::uint32_t g = 0; g < op.groups; ++g) {
    const std::int32_t divisor = numbers[2 * op.groups + g];
    c.require(divisor >= 1 && divisor < 1 << 23,
              [&] { return "divisor of row group " + std::to_string(g) + " out of range"; });
  }
}

void check_softmax(const AttentionOp& op, const Buffer& from, Checker& c) {
  c.require(op.softmax_kind <= SoftmaxKind::absolute,
            [&] { return "unknown kind of softmax " + std::to_string(static_cast<std::uint32_t>(op.softmax_kind)); });
  if (!c.ok() || op.softmax_kind == SoftmaxKind::exponential) return;
  c.require(op.levels >= 2 && op.levels <= kernels::kMaxSoftmaxLevels && (op.planes == 1 || op.planes == 2), [&] {
    return "softmax codes of " + std::to_string(op.levels) + " levels in " + std::to_string(op.planes) + " planes";
  });
  if (!c.ok()) return;
  const Constant* thresholds =
      c.constant(op.thresholds, DataType::s16, std::uint64_t{op.heads} * (op.levels - 1), "thresholds");
  c.within<std::int16_t>(thresholds, 0, kernels::kMaxSoftmaxDistance + 1, "thresholds");
  c.ascending(thresholds, op.heads, "thresholds");
  const Constant* values = c.constant(op.values, DataType::s16, std::uint64_t{op.heads} * op.levels, "values");
  c.within<std::int16_t>(values, 0, op.planes == 2 ? INT16_MAX : 255, "values");
  if (!c.ok()) return;
  const auto largest = static_cast<std::uint64_t>(c.largest(*values));
  c.require(from.rows * largest * 255 < std::uint64_t{1} << 31, [&] {
    return "softmax values of " + std::to_string(largest) + " for " + std::to_string(from.rows) + " tokens";
  });
  if (op.softmax_kind == SoftmaxKind::absolute) check_row_groups(op, c);
}

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
  const Buffer &from = e.buffer(op.src), &to = e.buffer(op.dst);
  const std::int32_t* p = e.constant<std::int32_t>(op.parameters) + head * kAttentionParameters;
  kernels::AttentionArgs args{};
  args.q = e.row<std::uint8_t>(op.src, 0) + head * op.head_dim;
  args.k = args.q + to.columns;
  args.v = args.k + to.columns;
  args.stride = from.stride;
  args.dst = e.row<std::uint8_t>(op.dst, 0) + head * op.head_dim * byte_size(to.type);
  args.dst_stride = to.stride;
  args.max_code = static_cast<int>(op.max_code);
  args.values = to.type == DataType::s16;
  set_softmax(op, head, e, args);
  args.tokens = static_cast<int>(from.rows);
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

}  // namespace

std::unique_ptr<Operation> make_attention() { return std::make_unique<AttentionOp>(); }

void AttentionOp::check(Checker& c) const {
  const Buffer* from = c.buffer(src, DataType::u8, "src");
  const Buffer* to = c.codes_or_values(dst, max_code);
  if (!c.ok()) return;
  c.require(heads >= 1 && heads <= 4096 && head_dim >= 1 && head_dim <= kernels::kMaxHeadDim,
            [&] { return std::to_string(heads) + " heads of " + std::to_string(head_dim); });
  if (!c.ok()) return;
  c.require(queries <= from->rows && queries_of(from->rows) == to->rows && from->rows <= kernels::kMaxTokens,
            [&] { return std::to_string(from->rows) + " tokens, at most " + std::to_string(kernels::kMaxTokens); });
  c.require(to->columns == heads * head_dim && from->columns == 3 * to->columns, "columns do not match the heads");
  check_heads(*this, *to, c);
  if (c.ok()) check_softmax(*this, *from, c);
}

// Queries x keys and probabilities x values: T x T x D each, per head.
std::uint64_t AttentionOp::macs(const Tensors& tensors) const {
  const std::uint32_t tokens = tensors.buffers[src].rows;
  return std::uint64_t{2} * queries_of(tokens) * tokens * heads * head_dim;
}

std::size_t AttentionOp::scratch_bytes(const Tensors& tensors) const {
  return kernels::attention_scratch_bytes(static_cast<int>(tensors.buffers[src].rows), static_cast<int>(head_dim));
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
  words.add_result(tensors.buffers[dst], max_code);
  return words.take();
}

// Units are (head, query) in that order: a thread packs K and V only of the heads that it touches.
void AttentionOp::execute(const Execution& e) const {
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
    args.next_q = args.written_elsewhere && begin + count < units.end ? args.q + head_dim : nullptr;
    if (begin + count == units.end) {
      args.next = e.next_weights.data();
      args.next_bytes = e.next_weights.size();
    }
    e.kernels.attention->run(args);
    begin += count;
  }
}

}  // namespace intvit
