// src codes [T][3C] (q, k, v; head by head in each) -> dst codes or values [T][C] (kernels/attention/attention.h). Or
// of the first queries alone, [queries][C]: a query that is the same for every picture is that of all rows.
//
// Keys and values may lie in buffers of their own; then src has queries alone, [T][C], and as many rows as keys or not.
// Rows may attend in sets, and scores have a static bias.
#pragma once

#include <algorithm>

#include "engine/ops/operation.h"
#include "kernels/softmax/softmax.h"

namespace intvit {

// Order of one head's numbers in AttentionOp::parameters.
enum AttentionParameter : int {
  kQZero,
  kVZero,
  kSoftmaxLeftShift,
  kSoftmaxRightShift,
  kSoftmaxMultiplier,
  kRatio,
  kRatioShift,
  kOutZero,
  kAttentionParameters
};

struct AttentionOp final : OperationOf<AttentionOp> {
  static constexpr std::uint32_t kKind = 4;
  static constexpr std::string_view kName = "attention";

  BufferId src = kNone;
  BufferId dst = kNone;
  std::uint32_t heads = 0;
  std::uint32_t head_dim = 0;
  ConstantId parameters = kNone;  // s32 [heads][kAttentionParameters]
  std::uint32_t max_code = 255;   // 1..255
  // Softmax codes (kernels/softmax/softmax.h). Tables are per head.
  kernels::SoftmaxKind softmax_kind = kernels::SoftmaxKind::exponential;
  std::uint32_t levels = 0;       // 2..256
  std::uint32_t planes = 1;       // 2: values up to 32767, else up to 255
  std::uint32_t groups = 0;       // absolute: 1..64
  ConstantId thresholds = kNone;  // s16 [heads][levels - 1], ascending
  ConstantId values = kNone;      // s16 [heads][levels]
  ConstantId row_groups = kNone;  // absolute: s32 [3][groups]: bounds (the last is not used), offsets, divisors
  std::uint32_t queries = 0;      // so many rows of dst; 0: T
  // Of keys and values; kNone: src, where they follow the queries. Their columns begin at those given.
  BufferId key_src = kNone;
  BufferId value_src = kNone;
  std::uint32_t key_column = 0;
  std::uint32_t value_column = 0;
  ConstantId sets = kNone;      // engine/ops/attention_sets.h; kNone: all rows are one set
  std::uint32_t most_keys = 0;  // of a set
  // Set s is the rows [s * local_rows, (s + 1) * local_rows) and no others; 0: sets are anything.
  std::uint32_t local_rows = 0;
  ConstantId pad_row = kNone;  // u8 [2C], k and v of the rows -1 of sets
  ConstantId bias = kNone;     // s16 [heads][bias_columns], each set's [queries][keys to a multiple of 16]
  std::uint32_t bias_columns = 0;
  ConstantId bias_shifts = kNone;  // s32 [heads], 0..15

  void for_each_field(FieldVisitor& v) override {
    v(src), v(dst), v(heads), v(head_dim), v(parameters), v(max_code);
    v(softmax_kind), v(levels), v(planes), v(groups), v(thresholds), v(values), v(row_groups), v(queries);
    v(key_src), v(value_src), v(key_column), v(value_column);
    v(sets), v(most_keys), v(local_rows), v(pad_row), v(bias), v(bias_columns), v(bias_shifts);
  }
  std::uint32_t queries_of(std::uint32_t tokens) const { return queries == 0 ? tokens : queries; }
  bool apart() const { return key_src != kNone || value_src != kNone; }
  BufferId keys() const { return apart() ? key_src : src; }
  std::vector<Operand> operands() const override;
  void check(Checker& c) const override;
  std::uint32_t row_local_rows(const Tensors& tensors) const override;
  std::uint32_t row_local_unit() const override { return std::max(local_rows, 1u); }
  std::uint64_t macs(const Tensors& tensors) const override;
  std::size_t scratch_bytes(const Tensors& tensors) const override;
  std::string describe(const Tensors& tensors) const override;
  void execute(const Execution& e) const override;

 private:
  std::uint32_t keys_of_a_query(const Tensors& tensors) const;
  void execute_queries(const Execution& e) const;
  void execute_sets(const Execution& e) const;
};

}  // namespace intvit
