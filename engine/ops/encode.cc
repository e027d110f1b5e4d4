#include "engine/ops/encode.h"

#include <algorithm>

#include "engine/ops/aside.h"
#include "engine/ops/checker.h"
#include "engine/ops/description.h"
#include "engine/ops/execution.h"
#include "engine/ops/scratch.h"

namespace intvit {

using kernels::EncodeKind;

namespace {

// In files.
static_assert(static_cast<int>(EncodeKind::table) == 0 && static_cast<int>(EncodeKind::rows) == 1 &&
              static_cast<int>(EncodeKind::columns) == 2 && static_cast<int>(EncodeKind::dynamic_rows) == 3 &&
              static_cast<int>(EncodeKind::uniform) == 4 && static_cast<int>(EncodeKind::table_with_outliers) == 5);

bool has_table(EncodeKind kind) { return kind == EncodeKind::table || kind == EncodeKind::table_with_outliers; }

void check_table(const EncodeOp& op, std::uint32_t highest, Checker& c) {
  c.require(op.levels >= 2 && op.levels <= 256, std::to_string(op.levels) + " levels, must be 2 to 256");
  if (!c.ok()) return;
  c.ascending(c.constant(op.thresholds, DataType::s16, op.levels - 1, "thresholds"), 1, "thresholds");
  c.within<std::int16_t>(c.constant(op.values, DataType::s16, op.levels, "values"), 0,
                         static_cast<std::int16_t>(highest), "values");
}

void check_grid(const EncodeOp& op, std::uint32_t highest, Checker& c) {
  const auto within = [&](std::uint32_t value, std::uint32_t low, std::uint32_t high, const char* role) {
    c.require(value >= low && value <= high, [&] {
      return std::string(role) + " is " + std::to_string(value) + ", must be " + std::to_string(low) + " to " +
             std::to_string(high);
    });
  };
  within(op.max_code, 1, 255, "max_code");
  within(op.step_shift, 0, 14, "step_shift");
  if (!c.ok()) return;
  c.require(op.max_code << op.step_shift <= INT16_MAX, [&] {
    return "codes up to " + std::to_string(op.max_code) + " with step_shift " + std::to_string(op.step_shift) +
           " exceed 32767";
  });
  within(op.fine_bits, 1, 12, "fine_bits");
  within(op.outlier, 0, INT16_MAX, "outlier");
  within(op.grid_max, 1, highest, "grid_max");
  within(op.grid_zero, 0, op.grid_max, "grid_zero");
}

// Of numbers of rows or groups, [4][count].
struct CodeFacts {
  std::int16_t lowest, highest_zero;
};

CodeFacts code_facts(const std::int16_t* numbers, std::uint64_t count) {
  return {*std::min_element(numbers, numbers + 4 * count), *std::max_element(numbers + 2 * count, numbers + 3 * count)};
}

void check_code_facts(const EncodeOp& op, const CodeFacts& facts, const Constant& codes, Checker& c) {
  c.require(facts.lowest >= 0 && facts.highest_zero <= static_cast<int>(op.max_code),
            [&] { return "codes '" + codes.name + "' out of range"; });
}

// multiplier, power, zero and step of each row.
void check_row_codes(const EncodeOp& op, std::uint64_t rows, Checker& c) {
  const Constant* codes = c.constant(op.codes, DataType::s16, 4 * rows, "codes");
  if (!c.ok()) return;
  const auto& facts =
      c.facts().of<CodeFacts>(*codes, [&] { return code_facts(codes->as<std::int16_t>(), codes->count() / 4); });
  check_code_facts(op, facts, *codes, c);
}

// The same of groups, which are few, behind the lowest and the highest of each, which may be any number.
void check_group_codes(const EncodeOp& op, Checker& c) {
  const Constant* codes = c.constant(op.codes, DataType::s16, std::uint64_t{6} * op.groups, "codes");
  if (!c.ok()) return;
  const std::uint64_t groups = op.groups;
  check_code_facts(op, code_facts(codes->as<std::int16_t>() + 2 * groups, groups), *codes, c);
}

// What a thread notes of channels that it encodes by groups: seven 16-bit numbers of each.
constexpr std::size_t channel_notes_bytes(std::size_t columns) {
  return align_scratch(7 * sizeof(std::int16_t) * columns);
}

kernels::EncodeArgs encode_args(const EncodeOp& op, const Execution& e) {
  const Buffer &from = e.buffer(op.src), &to = e.buffer(op.dst);
  kernels::EncodeArgs args{};
  args.src_stride = from.stride;
  args.dst_stride = to.stride;
  args.plane_stride = op.planes == 2 ? to.stride / 2 : 0;
  args.kind = op.kind;
  if (has_table(op.kind)) {
    args.table = {e.constant<std::int16_t>(op.thresholds), e.constant<std::int16_t>(op.values),
                  static_cast<int>(op.levels)};
  }
  args.max_code = static_cast<int>(op.max_code);
  args.step_shift = static_cast<int>(op.step_shift);
  args.fine_bits = static_cast<int>(op.fine_bits);
  args.outlier = static_cast<std::int16_t>(op.outlier);
  args.grid_zero = static_cast<std::int16_t>(op.grid_zero);
  args.grid_max = static_cast<std::int16_t>(op.grid_max);
  return args;
}

// A thread does whole blocks of channels: their extremes, their groups, their codes.
void encode_channel_groups(const EncodeOp& op, const Execution& e) {
  const Buffer& from = e.buffer(op.src);
  const Range blocks = e.share((from.columns + kChannelBlock - 1) / kChannelBlock);
  if (blocks.empty()) return;
  const std::int64_t first = blocks.begin * kChannelBlock;
  const std::int64_t count = std::min<std::int64_t>(from.columns, blocks.end * kChannelBlock) - first;
  const std::int16_t* values = e.row<std::int16_t>(op.src, 0) + first;
  auto* notes = static_cast<std::int16_t*>(e.workspace.scratch);
  std::int16_t *lowest = notes, *highest = notes + count, *nearest = notes + 2 * count, *codes = notes + 3 * count;
  e.kernels.encode->column_ranges(
      {values, from.stride, static_cast<int>(from.rows), static_cast<int>(count), lowest, highest});
  const auto* groups = e.constant<std::int16_t>(op.codes);
  const int group_count = static_cast<int>(op.groups);
  e.kernels.encode->nearest_groups(
      {lowest, highest, static_cast<int>(count), groups, groups + group_count, group_count, nearest});
  for (int i = 0; i < 4; ++i) {
    const std::int16_t* of_groups = groups + (2 + i) * group_count;
    for (std::int64_t c = 0; c < count; ++c) codes[i * count + c] = of_groups[nearest[c]];
  }
  kernels::EncodeArgs args = encode_args(op, e);
  args.src = values;
  args.dst = e.row<std::uint8_t>(op.dst, 0) + first;
  args.rows = static_cast<int>(from.rows);
  args.columns = static_cast<int>(count);
  args.codes = {codes, codes + count, codes + 2 * count, codes + 3 * count};
  args.scratch = notes + channel_notes_bytes(from.columns) / sizeof(std::int16_t);
  e.kernels.encode->run(args);
}

// Rows of src that need not be those of which the thread encodes channels: a list depends on src alone.
void set_values_aside(const EncodeOp& op, const Execution& e) {
  if (op.aside == kNone) return;
  const Buffer &from = e.buffer(op.src), &lists = e.buffer(op.aside);
  const Range rows = e.share(from.rows);
  if (rows.empty()) return;
  // What stands behind a list's entries would else be what earlier pictures left there, and others may read it.
  for (std::int64_t r = rows.begin; r < rows.end; ++r) {
    std::fill_n(e.row<std::int16_t>(op.aside, r), lists.columns, std::int16_t{0});
  }
  kernels::AsideArgs args{};
  args.src = e.row<std::int16_t>(op.src, rows.begin);
  args.src_stride = from.stride;
  args.rows = static_cast<int>(rows.size());
  args.columns = static_cast<int>(from.columns);
  args.fine_bits = static_cast<int>(op.fine_bits);
  args.outlier = static_cast<std::int16_t>(op.kind == EncodeKind::uniform ? 0 : op.outlier);
  args.grid_zero = static_cast<std::int16_t>(op.grid_zero);
  args.grid_max = static_cast<std::int16_t>(op.grid_max);
  args.lists = e.row<std::int16_t>(op.aside, rows.begin);
  args.lists_stride = lists.stride;
  args.most = static_cast<int>(most_aside(lists));
  e.kernels.encode->set_aside(args);
}

}  // namespace

std::unique_ptr<Operation> make_encode() { return std::make_unique<EncodeOp>(); }

std::uint32_t EncodeOp::highest_value(const Tensors& tensors) const {
  std::uint32_t highest = kind == EncodeKind::table ? 0 : std::min<std::uint32_t>(grid_max, INT16_MAX);
  if (!has_table(kind) || values >= tensors.constants.size() || tensors.constants[values].type != DataType::s16) {
    return highest;
  }
  const Constant& table = tensors.constants[values];
  const auto* entries = table.as<std::int16_t>();
  for (std::size_t i = 0; i < std::min({table.count(), std::size_t{levels}, std::size_t{256}}); ++i) {
    highest = std::max(highest, static_cast<std::uint32_t>(std::max(entries[i], std::int16_t{0})));
  }
  return highest;
}

void EncodeOp::check(Checker& c) const {
  const Buffer* from = c.buffer(src, DataType::s16, "src");
  const Buffer* to = c.buffer(dst, DataType::u8, "dst");
  c.require(kind <= EncodeKind::table_with_outliers, "unknown kind of encoding");
  if (!c.ok()) return;
  c.require(from->rows == to->rows && from->columns == to->columns, "src and dst differ in shape");
  c.planes(*to, planes, "dst");
  if (aside != kNone) {
    c.require(!has_table(kind) && planes == 1, "aside with a table or two planes");
    c.require(aside != src, "aside is src");
    if (c.ok()) check_aside(c, aside, *to);
  }
  if (!c.ok()) return;
  const std::uint32_t highest = planes == 2 ? INT16_MAX : 255;
  switch (kind) {
    case EncodeKind::table_with_outliers:
      check_grid(*this, highest, c);
      if (!c.ok()) return;
      [[fallthrough]];
    case EncodeKind::table:
      return check_table(*this, highest, c);
    case EncodeKind::rows:
      check_grid(*this, highest, c);
      return check_row_codes(*this, to->rows, c);
    case EncodeKind::columns:
      check_grid(*this, highest, c);
      c.require(groups >= 1 && groups <= kernels::kMaxChannelGroups,
                std::to_string(groups) + " groups, must be 1 to " + std::to_string(kernels::kMaxChannelGroups));
      if (c.ok()) check_group_codes(*this, c);
      return;
    case EncodeKind::dynamic_rows:
    case EncodeKind::uniform:
      return check_grid(*this, highest, c);
  }
}

std::size_t EncodeOp::scratch_bytes(const Tensors& tensors) const {
  const std::uint32_t columns = tensors.buffers[src].columns;
  return (kind == EncodeKind::columns ? channel_notes_bytes(columns) : 0) +
         kernels::encode_scratch_bytes(static_cast<int>(columns));
}

std::string EncodeOp::describe(const Tensors& tensors) const {
  Description words;
  switch (kind) {
    case EncodeKind::table:
    case EncodeKind::table_with_outliers:
      words.add("table of " + std::to_string(levels) + " levels");
      break;
    case EncodeKind::rows:
      words.add("a scale per token");
      break;
    case EncodeKind::dynamic_rows:
      words.add("a dynamic scale per token");
      break;
    case EncodeKind::columns:
      words.add(groups, "groups of channels");
      break;
    case EncodeKind::uniform:
      words.add(grid_max + 1, "codes");
      break;
  }
  if (!has_table(kind) && kind != EncodeKind::uniform) words.add(max_code + 1, "codes");
  if (kind != EncodeKind::table && kind != EncodeKind::uniform) {
    words.add_if(outlier < 32767 && aside == kNone, "outliers on the grid");
  }
  if (aside != kNone) {
    words.add("up to " + std::to_string(most_aside(tensors.buffers[aside])) + " values of a row aside");
  }
  words.add_planes(planes);
  return words.take();
}

void EncodeOp::execute(const Execution& e) const {
  set_values_aside(*this, e);
  if (kind == EncodeKind::columns) return encode_channel_groups(*this, e);
  const Buffer &from = e.buffer(src), &to = e.buffer(dst);
  const Range rows = e.share(to.rows);
  if (rows.empty()) return;
  kernels::EncodeArgs args = encode_args(*this, e);
  args.src = e.row<std::int16_t>(src, rows.begin);
  args.dst = e.row<std::uint8_t>(dst, rows.begin);
  args.rows = static_cast<int>(rows.size());
  args.columns = static_cast<int>(from.columns);
  args.scratch = e.workspace.scratch;
  if (kind == EncodeKind::rows) {
    const std::int16_t* of_rows = e.constant<std::int16_t>(codes) + rows.begin;
    const std::ptrdiff_t count = to.rows;
    args.codes = {of_rows, of_rows + count, of_rows + 2 * count, of_rows + 3 * count};
  }
  e.kernels.encode->run(args);
}

}  // namespace intvit
