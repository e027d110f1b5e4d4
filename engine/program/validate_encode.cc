// Checks of encode operations.
#include "engine/program/checker.h"
#include "kernels/encode/encode.h"

namespace intvit {
namespace {

void check_table(const EncodeOp& op, std::uint32_t highest, Checker& c) {
  c.require(op.levels >= 2 && op.levels <= 256, std::to_string(op.levels) + " levels, must be 2 to 256");
  if (!c.ok()) return;
  c.ascending(c.constant(op.thresholds, DataType::s16, op.levels - 1, "thresholds"), 1, "thresholds");
  c.within<std::int16_t>(c.constant(op.values, DataType::s16, op.levels, "values"), 0,
                         static_cast<std::int16_t>(highest), "values");
}

void check_grid(const EncodeOp& op, std::uint32_t highest, Checker& c) {
  const auto within = [&](std::uint32_t value, std::uint32_t low, std::uint32_t high, const char* role) {
    c.require(value >= low && value <= high, std::string(role) + " is " + std::to_string(value) + ", must be " +
                                                 std::to_string(low) + " to " + std::to_string(high));
  };
  within(op.max_code, 1, 255, "max_code");
  within(op.step_shift, 0, 14, "step_shift");
  if (!c.ok()) return;
  c.require(op.max_code << op.step_shift <= INT16_MAX, "codes up to " + std::to_string(op.max_code) +
                                                           " with step_shift " + std::to_string(op.step_shift) +
                                                           " exceed 32767");
  within(op.fine_bits, 1, 12, "fine_bits");
  within(op.outlier, 0, INT16_MAX, "outlier");
  within(op.grid_max, 1, highest, "grid_max");
  within(op.grid_zero, 0, op.grid_max, "grid_zero");
}

// multiplier, power, zero and step of each of `count` rows or groups, behind `before` numbers of any value.
void check_codes(const EncodeOp& op, std::uint64_t before, std::uint64_t count, Checker& c) {
  const Constant* codes = c.constant(op.codes, DataType::s16, before + 4 * count, "codes");
  if (!c.ok()) return;
  const std::int16_t* numbers = codes->as<std::int16_t>() + before;
  for (std::uint64_t i = 0; i < 4 * count; ++i) {
    const bool is_zero = i / count == 2;
    c.require(numbers[i] >= 0 && (!is_zero || numbers[i] <= static_cast<int>(op.max_code)),
              "codes '" + codes->name + "' out of range");
  }
}

}  // namespace

void check(const EncodeOp& op, Checker& c) {
  const Buffer* src = c.buffer(op.src, DataType::s16, "src");
  const Buffer* dst = c.buffer(op.dst, DataType::u8, "dst");
  c.require(op.kind <= EncodeOpKind::dynamic_tokens, "unknown kind of encoding");
  if (!c.ok()) return;
  c.require(src->rows == dst->rows && src->columns == dst->columns, "src and dst differ in shape");
  c.planes(*dst, op.planes, "dst");
  const std::uint32_t highest = op.planes == 2 ? INT16_MAX : 255;
  switch (op.kind) {
    case EncodeOpKind::table:
      return check_table(op, highest, c);
    case EncodeOpKind::tokens:
      check_grid(op, highest, c);
      return check_codes(op, 0, dst->rows, c);
    case EncodeOpKind::channel_groups:
      check_grid(op, highest, c);
      c.require(op.groups >= 1 && op.groups <= kernels::kMaxChannelGroups,
                std::to_string(op.groups) + " groups, must be 1 to " + std::to_string(kernels::kMaxChannelGroups));
      return check_codes(op, std::uint64_t{2} * op.groups, op.groups, c);
    case EncodeOpKind::dynamic_tokens:
      return check_grid(op, highest, c);
  }
}

}  // namespace intvit
