// What an attention relies on.
#include <algorithm>
#include <array>

#include "engine/ops/attention.h"
#include "engine/ops/attention_sets.h"
#include "engine/ops/checker.h"

namespace intvit {

using kernels::SoftmaxKind;

namespace {

// In files.
static_assert(static_cast<int>(SoftmaxKind::exponential) == 0 && static_cast<int>(SoftmaxKind::relative) == 1 &&
              static_cast<int>(SoftmaxKind::absolute) == 2);

constexpr std::int32_t kMaxSoftmaxLeftShift = 15;

struct PadFacts {
  std::uint8_t highest_code;
};

struct BiasShiftFacts {
  std::int32_t largest;
};

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

// The highest code of a key, in a buffer or the pad row.
std::uint64_t highest_key(const AttentionOp& op, Checker& c) {
  const std::uint32_t highest = c.contents(op.keys()).highest_code;
  if (op.pad_row == kNone) return highest;
  const Constant& pad = c.tensors().constants[op.pad_row];
  const auto* codes = pad.as<std::uint8_t>();
  const auto& facts =
      c.facts().of<PadFacts>(pad, [&] { return PadFacts{*std::max_element(codes, codes + pad.count())}; });
  return std::max<std::uint32_t>(highest, facts.highest_code);
}

// How far scores may reach.
void check_reach(const AttentionOp& op, const HeadFacts& facts, Checker& c) {
  const std::uint64_t highest_query = c.contents(op.src).highest_code, highest = highest_key(op, c);
  // With a bias scores are shifted before their distance is taken, so what counts is how far they lie from 0, and a key
  // counts as its distance from 128.
  const bool biased = op.bias != kNone;
  std::uint64_t bias = 0;
  if (biased) {
    const Constant& shifts = c.tensors().constants[op.bias_shifts];
    const auto* first = shifts.as<std::int32_t>();
    const auto& facts_of_shifts = c.facts().of<BiasShiftFacts>(
        shifts, [&] { return BiasShiftFacts{*std::max_element(first, first + shifts.count())}; });
    bias = std::uint64_t{1} << (15 + facts_of_shifts.largest);
  }
  for (std::size_t shift = 0; shift < facts.q_zero.size(); ++shift) {
    if (facts.q_zero[shift] < 0) continue;
    // |q - q_zero| times the distance of two codes of k, D times.
    const std::uint64_t farthest = std::max(highest_query, static_cast<std::uint64_t>(facts.q_zero[shift]));
    const std::uint64_t reach = op.head_dim * farthest * (biased ? 128 : highest) << shift;
    // Biased scores lie on both sides of 0, and it is their distance that has 31 bits.
    c.require(reach + bias < std::uint64_t{1} << (biased ? 30 : 31), [&] {
      return "a softmax left shift of " + std::to_string(shift) + " can overflow" + (biased ? " with the bias" : "");
    });
  }
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
  check_reach(op, facts, c);
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

void check_softmax(const AttentionOp& op, std::uint64_t keys, Checker& c) {
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
  c.require(keys * largest * 255 < std::uint64_t{1} << 31, [&] {
    return "softmax values of " + std::to_string(largest) + " for " + std::to_string(keys) + " tokens";
  });
  if (op.softmax_kind == SoftmaxKind::absolute) check_row_groups(op, c);
}

// Keys and values in buffers of their own.
void check_keys(const AttentionOp& op, const Buffer& to, Checker& c) {
  const Buffer* keys = c.buffer(op.key_src, DataType::u8, "key_src");
  const Buffer* values = c.buffer(op.value_src, DataType::u8, "value_src");
  if (!c.ok()) return;
  c.require(op.dst != op.src && op.dst != op.key_src && op.dst != op.value_src, "dst is what it reads");
  c.require(keys->rows == values->rows, [&] {
    return "keys of " + std::to_string(keys->rows) + " rows and values of " + std::to_string(values->rows);
  });
  const auto holds = [&](const Buffer& buffer, std::uint32_t column) {
    return column <= buffer.columns && to.columns <= buffer.columns - column;
  };
  c.require(holds(*keys, op.key_column) && holds(*values, op.value_column), "columns of keys or values out of range");
}

void check_sets(const AttentionOp& op, Checker& c) {
  const std::uint32_t keys = c.tensors().buffers[op.keys()].rows;
  if (op.sets == kNone) {
    c.require(keys <= kernels::kMaxTokens,
              [&] { return std::to_string(keys) + " tokens, at most " + std::to_string(kernels::kMaxTokens); });
    c.require(op.pad_row == kNone && op.most_keys == 0 && op.local_rows == 0, "a pad row or local rows without sets");
    return;
  }
  c.require(op.queries == 0, "the first queries alone of sets");
  const bool there = op.sets < c.tensors().constants.size();
  const Constant* sets = c.constant(op.sets, DataType::s32, there ? c.tensors().constants[op.sets].count() : 0, "sets");
  if (!c.ok()) return;
  const auto& facts = c.facts().of<AttentionSetFacts>(*sets, [&] { return attention_set_facts(*sets); });
  if (!c.require(facts.complaint.empty(), facts.complaint)) return;
  c.require(facts.queries == c.tensors().buffers[op.src].rows, [&] {
    return "sets of " + std::to_string(facts.queries) + " queries for " +
           std::to_string(c.tensors().buffers[op.src].rows);
  });
  c.require(facts.rows <= keys,
            [&] { return "sets of rows up to " + std::to_string(facts.rows) + " of " + std::to_string(keys); });
  c.require(facts.most_keys == op.most_keys, [&] {
    return "most_keys is " + std::to_string(op.most_keys) + ", must be " + std::to_string(facts.most_keys);
  });
  c.require(op.local_rows == 0 || op.local_rows == facts.local_rows, [&] {
    return "local_rows is " + std::to_string(op.local_rows) + ", must be 0 or " + std::to_string(facts.local_rows);
  });
  c.require(facts.has_pads == (op.pad_row != kNone), "a pad row where sets have none, or none where they have");
  if (op.pad_row != kNone) c.constant(op.pad_row, DataType::u8, std::uint64_t{2} * op.heads * op.head_dim, "pad_row");
}

void check_bias(const AttentionOp& op, Checker& c) {
  if (op.bias == kNone) {
    c.require(op.bias_shifts == kNone && op.bias_columns == 0, "shifts or columns of a bias without one");
    return;
  }
  std::uint64_t needed = 0;
  if (op.sets != kNone) {
    const Constant& sets = c.tensors().constants[op.sets];
    needed = c.facts().of<AttentionSetFacts>(sets, [&] { return attention_set_facts(sets); }).biases;
  } else {
    const std::uint32_t keys = c.tensors().buffers[op.keys()].rows;
    needed = std::uint64_t{c.tensors().buffers[op.dst].rows} *
             static_cast<std::uint64_t>(kernels::padded_columns(static_cast<int>(keys)));
  }
  c.require(op.bias_columns == needed, [&] {
    return "bias_columns is " + std::to_string(op.bias_columns) + ", must be " + std::to_string(needed);
  });
  c.constant(op.bias, DataType::s16, std::uint64_t{op.heads} * op.bias_columns, "bias");
  const Constant* shifts = c.constant(op.bias_shifts, DataType::s32, op.heads, "bias_shifts");
  c.within<std::int32_t>(shifts, 0, 14, "bias_shifts");
}

}  // namespace

void AttentionOp::check(Checker& c) const {
  const Buffer* from = c.buffer(src, DataType::u8, "src");
  const Buffer* to = c.codes_or_values(dst, max_code);
  if (!c.ok()) return;
  c.require(heads >= 1 && heads <= 4096 && head_dim >= 1 && head_dim <= kernels::kMaxHeadDim,
            [&] { return std::to_string(heads) + " heads of " + std::to_string(head_dim); });
  if (!c.ok()) return;
  c.require(queries <= from->rows && queries_of(from->rows) == to->rows, [&] {
    return std::to_string(queries_of(from->rows)) + " queries of " + std::to_string(from->rows) +
           " tokens for a result of " + std::to_string(to->rows) + " rows";
  });
  c.require(to->columns == heads * head_dim && from->columns == (apart() ? 1 : 3) * to->columns,
            "columns do not match the heads");
  if (apart()) check_keys(*this, *to, c);
  if (!c.ok()) return;
  check_sets(*this, c);
  if (c.ok()) check_bias(*this, c);
  if (!c.ok()) return;
  check_heads(*this, *to, c);
  if (c.ok()) check_softmax(*this, keys_of_a_query(c.tensors()), c);
}

}  // namespace intvit
