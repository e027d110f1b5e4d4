// Checks of attention and its softmax tables.
#include <algorithm>

#include "engine/program/checker.h"
#include "kernels/attention/attention.h"

namespace intvit {
namespace {

// Rows that share an origin and a divisor: s32 [3][groups], bounds, offsets, divisors.
void check_row_groups(const AttentionOp& op, Checker& c) {
  c.require(op.groups >= 1 && op.groups <= kernels::kMaxSoftmaxGroups, std::to_string(op.groups) + " groups of rows");
  if (!c.ok()) return;
  const Constant* groups = c.constant(op.row_groups, DataType::s32, std::uint64_t{3} * op.groups, "row groups");
  if (!c.ok()) return;
  const auto* numbers = groups->as<std::int32_t>();
  c.require(std::is_sorted(numbers, numbers + op.groups - 1), "bounds of row groups do not ascend");
  for (std::uint32_t g = 0; g < op.groups; ++g) {
    const std::int32_t divisor = numbers[2 * op.groups + g];
    c.require(divisor >= 1 && divisor < 1 << 23, "divisor of row group " + std::to_string(g) + " out of range");
  }
}

void check_softmax(const AttentionOp& op, const Buffer& src, Checker& c) {
  const auto kind = static_cast<kernels::SoftmaxKind>(op.softmax_kind);
  c.require(kind <= kernels::SoftmaxKind::absolute, "unknown kind of softmax " + std::to_string(op.softmax_kind));
  if (!c.ok() || kind == kernels::SoftmaxKind::exponential) return;
  c.require(op.levels >= 2 && op.levels <= kernels::kMaxSoftmaxLevels && (op.planes == 1 || op.planes == 2),
            "softmax codes of " + std::to_string(op.levels) + " levels in " + std::to_string(op.planes) + " planes");
  if (!c.ok()) return;
  const Constant* thresholds =
      c.constant(op.thresholds, DataType::s16, std::uint64_t{op.heads} * (op.levels - 1), "thresholds");
  c.within<std::int16_t>(thresholds, 0, kernels::kMaxSoftmaxDistance + 1, "thresholds");
  c.ascending(thresholds, op.heads, "thresholds");
  const Constant* values = c.constant(op.values, DataType::s16, std::uint64_t{op.heads} * op.levels, "values");
  c.within<std::int16_t>(values, 0, op.planes == 2 ? INT16_MAX : 255, "values");
  if (!c.ok()) return;
  const auto* all = values->as<std::int16_t>();
  const std::uint64_t largest = static_cast<std::uint64_t>(*std::max_element(all, all + values->count()));
  c.require(src.rows * largest * 255 < std::uint64_t{1} << 31,
            "softmax values of " + std::to_string(largest) + " for " + std::to_string(src.rows) + " tokens");
  if (kind == kernels::SoftmaxKind::absolute) check_row_groups(op, c);
}

}  // namespace

void check(const AttentionOp& op, Checker& c) {
  const Buffer* src = c.buffer(op.src, DataType::u8, "src");
  const Buffer* dst = c.codes_or_values(op.dst, op.max_code);
  if (!c.ok()) return;
  c.require(op.heads >= 1 && op.heads <= 4096 && op.head_dim >= 1 && op.head_dim <= kernels::kMaxHeadDim,
            std::to_string(op.heads) + " heads of " + std::to_string(op.head_dim));
  if (!c.ok()) return;
  c.require(src->rows == dst->rows && src->rows <= kernels::kMaxTokens,
            std::to_string(src->rows) + " tokens, at most " + std::to_string(kernels::kMaxTokens));
  c.require(dst->columns == op.heads * op.head_dim && src->columns == 3 * dst->columns,
            "columns do not match the heads");
  const Constant* parameters =
      c.constant(op.parameters, DataType::s32, std::uint64_t{op.heads} * kAttentionParameters, "parameters");
  if (!c.ok()) return;
  const std::uint64_t highest = c.contents(op.src).highest_code;
  for (std::uint32_t h = 0; h < op.heads; ++h) {
    const std::int32_t* p = parameters->as<std::int32_t>() + h * kAttentionParameters;
    const auto in = [&](AttentionParameter which, std::int32_t low, std::int32_t high) {
      c.require(p[which] >= low && p[which] <= high, "parameter " + std::to_string(which) + " of head " +
                                                         std::to_string(h) + " is " + std::to_string(p[which]) +
                                                         ", must be in [" + std::to_string(low) + ", " +
                                                         std::to_string(high) + "]");
    };
    in(kQZero, 0, 255);
    in(kVZero, 0, 255);
    in(kOutZero, 0, dst->type == DataType::s16 ? INT16_MAX : 255);
    in(kSoftmaxLeftShift, 0, 15);
    in(kSoftmaxRightShift, 0, 31);
    in(kSoftmaxMultiplier, 0, 65535);
    in(kRatio, 1 << 30, INT32_MAX);
    in(kRatioShift, kernels::kMinRatioShift, kernels::kMaxRatioShift);
    if (!c.ok()) return;
    // |q - q_zero| times the distance of two codes of k, D times.
    const std::uint64_t farthest = std::max(highest, static_cast<std::uint64_t>(p[kQZero]));
    c.require((op.head_dim * farthest * highest << p[kSoftmaxLeftShift]) < std::uint64_t{1} << 31,
              "softmax left shift of head " + std::to_string(h) + " can overflow");
  }
  check_softmax(op, *src, c);
}

}  // namespace intvit
