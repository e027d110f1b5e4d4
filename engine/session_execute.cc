// How a session executes each operation: which rows or heads are this piece's, and the kernel's arguments.
#include <algorithm>
#include <cstring>

#include "engine/session.h"
#include "engine/session_scratch.h"

namespace intvit {
namespace {

kernels::LinearArgs linear_args(const LinearConstants& l, const Program& program,
                                std::span<const std::uint8_t> next_weights, void* scratch) {
  const auto constant = [&](ConstantId id) -> const Constant& { return program.constants[id]; };
  kernels::LinearArgs args{};
  args.weights = {constant(l.tiles).as<std::uint8_t>(),
                  l.bits == 4 ? constant(l.zero_points).as<std::uint8_t>() : nullptr, static_cast<int>(l.bits),
                  static_cast<int>(l.n), static_cast<int>(l.k)};
  args.weights.next = next_weights.data();
  args.weights.next_bytes = next_weights.size();
  args.requantizer.bias = constant(l.bias).as<std::int32_t>();
  args.requantizer.shift = constant(l.shift).as<std::uint8_t>();
  args.scratch = scratch;
  return args;
}

void set_softmax(const AttentionOp& op, std::int64_t head, const Program& program, kernels::AttentionArgs& args) {
  args.softmax_kind = static_cast<kernels::SoftmaxKind>(op.softmax_kind);
  if (args.softmax_kind == kernels::SoftmaxKind::exponential) return;
  args.wide = op.planes == 2;
  args.softmax_table.thresholds = program.constants[op.thresholds].as<std::int16_t>() + head * (op.levels - 1);
  args.softmax_table.values = program.constants[op.values].as<std::int16_t>() + head * op.levels;
  args.softmax_table.levels = static_cast<int>(op.levels);
  if (args.softmax_kind != kernels::SoftmaxKind::absolute) return;
  const std::int32_t* groups = program.constants[op.row_groups].as<std::int32_t>();
  args.softmax_table.groups = static_cast<int>(op.groups);
  args.softmax_table.group_bounds = groups;
  args.softmax_table.group_offsets = groups + op.groups;
  args.softmax_table.group_divisors = groups + 2 * op.groups;
}

kernels::EncodeArgs encode_args(const EncodeOp& op, const Program& program) {
  const Buffer& dst = program.buffers[op.dst];
  kernels::EncodeArgs args{};
  args.dst_stride = dst.stride;
  args.plane_stride = op.planes == 2 ? dst.stride / 2 : 0;
  constexpr kernels::EncodeKind kKinds[] = {kernels::EncodeKind::table, kernels::EncodeKind::rows,
                                            kernels::EncodeKind::columns, kernels::EncodeKind::dynamic_rows};
  args.kind = kKinds[static_cast<int>(op.kind)];
  if (op.kind == EncodeOpKind::table) {
    args.table = {program.constants[op.thresholds].as<std::int16_t>(), program.constants[op.values].as<std::int16_t>(),
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

void set_grain(const ResidualGrain& grain, const Program& program, kernels::LinearArgs& args) {
  if (!grain.any()) return;
  args.grain_power = program.constants[grain.power].as<std::int16_t>();
  args.grain_unit = program.constants[grain.unit].as<std::int16_t>();
  args.grain_limit = static_cast<std::int16_t>(grain.limit);
}

}  // namespace

// The first byte of a row whose elements have the buffer's own type.
void* Session::row_of_any_type(BufferId id, std::int64_t index, const Place& place) const {
  return row<std::uint8_t>(id, index * byte_size(program_.buffers[id].type), place);
}

void Session::execute(const LinearOp& op, const Piece& piece) {
  const Buffer& src = program_.buffers[op.src];
  const Buffer& dst = program_.buffers[op.dst];
  const std::int64_t src_rows_per_dst_row = src.rows / dst.rows;
  const Range rows = share(dst.rows, piece);
  if (rows.begin == rows.end) return;
  kernels::LinearArgs args = linear_args(op.linear, program_, piece.next_weights, piece.place.scratch);
  args.src = row<std::uint8_t>(op.src, rows.begin * src_rows_per_dst_row, piece.place);
  args.src_stride = src_rows_per_dst_row * src.stride;
  args.plane_stride = op.planes == 2 ? src.stride / 2 : 0;
  args.max_code = static_cast<int>(op.max_code);
  const bool values = dst.type == DataType::s16;
  args.rows = static_cast<int>(rows.end - rows.begin);
  args.dst_stride = dst.stride;
  const Constant& multiplier = program_.constants[op.linear.multiplier];
  switch (op.kind) {
    case LinearKind::codes:
      args.epilogue = values ? kernels::Epilogue::values : kernels::Epilogue::codes;
      args.dst = row_of_any_type(op.dst, rows.begin, piece.place);
      break;
    case LinearKind::activation: {
      const std::int16_t* table = program_.constants[op.activation].as<std::int16_t>();
      args.epilogue = values ? kernels::Epilogue::activation_values : kernels::Epilogue::activation;
      args.activation = {table, table + kernels::kActivationSegments, static_cast<int>(op.activation_segment_bits),
                         static_cast<std::int16_t>(op.activation_multiplier),
                         static_cast<std::int16_t>(op.activation_zero_point)};
      args.dst = row_of_any_type(op.dst, rows.begin, piece.place);
      break;
    }
    case LinearKind::residual:
      args.epilogue = kernels::Epilogue::residual;
      args.dst = row<std::int16_t>(op.dst, rows.begin, piece.place);
      args.residual = row<std::int16_t>(op.dst, rows.begin, piece.place);
      args.residual_stride = dst.stride;
      set_grain(op.grain, program_, args);
      break;
    case LinearKind::logits:
      args.epilogue = kernels::Epilogue::logits;
      args.dst = row<std::int32_t>(op.dst, rows.begin, piece.place);
      args.logit_multiplier = multiplier.as<std::int32_t>();
      args.logit_shift = args.requantizer.shift;
      break;
  }
  if (op.kind != LinearKind::logits) args.requantizer.multiplier = multiplier.as<std::int16_t>();
  kernels_.linear->run(args);
}

void Session::execute(const LayerNormOp& op, const Piece& piece) {
  const Buffer& src = program_.buffers[op.src];
  const Buffer& dst = program_.buffers[op.dst];
  const Range rows = share(dst.rows, piece);
  if (rows.begin == rows.end) return;
  kernels::LayerNormArgs args{};
  args.src = row<std::int16_t>(op.src, op.first_row + rows.begin, piece.place);
  args.src_stride = src.stride;
  args.dst = row_of_any_type(op.dst, rows.begin, piece.place);
  args.dst_stride = dst.stride;
  args.rows = static_cast<int>(rows.end - rows.begin);
  args.channels = static_cast<int>(src.columns);
  args.affine = program_.constants[op.affine].as<std::int16_t>();
  args.shift = static_cast<int>(op.shift);
  args.beta_shift = static_cast<int>(op.beta_shift);
  args.epsilon = op.epsilon();
  args.max_code = static_cast<int>(op.max_code);
  args.values = dst.type == DataType::s16;
  kernels_.layer_norm->run(args);
}

void Session::execute(const AttentionOp& op, const Piece& piece) {
  const Buffer& src = program_.buffers[op.src];
  const Buffer& dst = program_.buffers[op.dst];
  const std::int64_t tokens = src.rows;
  const std::int64_t channels = dst.columns;
  // Units are (head, query) in that order: a thread packs K and V only of the heads that it touches.
  const Range units = share(tokens * op.heads, piece);
  for (std::int64_t begin = units.begin; begin < units.end;) {
    const std::int64_t head = begin / tokens;
    const std::int64_t query = begin % tokens;
    const std::int64_t count = std::min(units.end - begin, tokens - query);
    const std::int32_t* p = program_.constants[op.parameters].as<std::int32_t>() + head * kAttentionParameters;
    const std::uint8_t* q = row<std::uint8_t>(op.src, 0, piece.place) + head * op.head_dim;
    kernels::AttentionArgs args{};
    args.q = q;
    args.k = q + channels;
    args.v = q + 2 * channels;
    args.stride = src.stride;
    args.far = piece.shares.members() > 1;
    args.next_q = args.far && begin + count < units.end ? q + op.head_dim : nullptr;
    if (begin + count == units.end) {
      args.next = piece.next_weights.data();
      args.next_bytes = piece.next_weights.size();
    }
    args.dst = row<std::uint8_t>(op.dst, 0, piece.place) + head * op.head_dim * byte_size(dst.type);
    args.dst_stride = dst.stride;
    args.max_code = static_cast<int>(op.max_code);
    args.values = dst.type == DataType::s16;
    set_softmax(op, head, program_, args);
    args.tokens = static_cast<int>(tokens);
    args.head_dim = static_cast<int>(op.head_dim);
    args.query_begin = static_cast<int>(query);
    args.query_end = static_cast<int>(query + count);
    args.head = {p[kQZero],
                 p[kVZero],
                 {p[kSoftmaxLeftShift], p[kSoftmaxRightShift], static_cast<std::uint16_t>(p[kSoftmaxMultiplier])},
                 static_cast<std::uint32_t>(p[kRatio]),
                 p[kRatioShift],
                 p[kOutZero]};
    args.scratch = piece.place.scratch;
    kernels_.attention->run(args);
    begin += count;
  }
}

void Session::execute(const MeanRowsOp& op, const Piece& piece) {
  const Range results = share(1, piece);
  if (results.begin == results.end) return;
  const Buffer& src = program_.buffers[op.src];
  kernels_.mean_rows->run({row<std::int16_t>(op.src, op.first_row, piece.place), src.stride,
                           static_cast<int>(op.row_count), static_cast<int>(src.columns),
                           row<std::int16_t>(op.dst, 0, piece.place)});
}

void Session::execute(const EncodeOp& op, const Piece& piece) {
  if (op.kind == EncodeOpKind::channel_groups) return encode_channel_groups(op, piece);
  const Buffer& src = program_.buffers[op.src];
  const Buffer& dst = program_.buffers[op.dst];
  const Range rows = share(dst.rows, piece);
  if (rows.begin == rows.end) return;
  kernels::EncodeArgs args = encode_args(op, program_);
  args.src = row<std::int16_t>(op.src, rows.begin, piece.place);
  args.src_stride = src.stride;
  args.dst = row<std::uint8_t>(op.dst, rows.begin, piece.place);
  args.rows = static_cast<int>(rows.end - rows.begin);
  args.columns = static_cast<int>(src.columns);
  args.scratch = piece.place.scratch;
  if (op.kind == EncodeOpKind::tokens) {
    const std::int16_t* codes = program_.constants[op.codes].as<std::int16_t>() + rows.begin;
    const std::ptrdiff_t count = dst.rows;
    args.codes = {codes, codes + count, codes + 2 * count, codes + 3 * count};
  }
  kernels_.encode->run(args);
}

// A thread does whole blocks of channels: their extremes, their groups, their codes.
void Session::encode_channel_groups(const EncodeOp& op, const Piece& piece) {
  const Buffer& src = program_.buffers[op.src];
  const Range blocks = share((src.columns + kChannelBlock - 1) / kChannelBlock, piece);
  if (blocks.begin == blocks.end) return;
  const std::int64_t first = blocks.begin * kChannelBlock;
  const std::int64_t count = std::min<std::int64_t>(src.columns, blocks.end * kChannelBlock) - first;
  const std::int16_t* values = row<std::int16_t>(op.src, 0, piece.place) + first;
  auto* notes = static_cast<std::int16_t*>(piece.place.scratch);
  std::int16_t *lowest = notes, *highest = notes + count, *nearest = notes + 2 * count, *codes = notes + 3 * count;
  kernels_.encode->column_ranges(
      {values, src.stride, static_cast<int>(src.rows), static_cast<int>(count), lowest, highest});
  const std::int16_t* groups = program_.constants[op.codes].as<std::int16_t>();
  const int group_count = static_cast<int>(op.groups);
  kernels_.encode->nearest_groups(
      {lowest, highest, static_cast<int>(count), groups, groups + group_count, group_count, nearest});
  for (int i = 0; i < 4; ++i) {
    const std::int16_t* of_groups = groups + (2 + i) * group_count;
    for (std::int64_t c = 0; c < count; ++c) codes[i * count + c] = of_groups[nearest[c]];
  }
  kernels::EncodeArgs args = encode_args(op, program_);
  args.src = values;
  args.src_stride = src.stride;
  args.dst = row<std::uint8_t>(op.dst, 0, piece.place) + first;
  args.rows = static_cast<int>(src.rows);
  args.columns = static_cast<int>(count);
  args.codes = {codes, codes + count, codes + 2 * count, codes + 3 * count};
  args.scratch = notes + channel_group_scratch(src.columns) / sizeof(std::int16_t);
  kernels_.encode->run(args);
}

void Session::execute(const PatchEmbedOp& op, const Piece& piece) {
  const Buffer& image = program_.buffers[op.src];
  const Buffer& dst = program_.buffers[op.dst];
  const std::int64_t patch = op.patch;
  const std::int64_t grid_width = program_.input.width / patch;
  const std::int64_t patch_row_bytes = patch * 3;
  const std::size_t depth = op.linear.k;
  auto* patches = static_cast<std::uint8_t*>(piece.place.scratch);
  const std::int16_t* token_init = program_.constants[op.token_init].as<std::int16_t>();
  kernels::LinearArgs args =
      linear_args(op.linear, program_, piece.next_weights, patches + align_scratch(std::size_t{kPatchBlock} * depth));
  args.requantizer.multiplier = program_.constants[op.linear.multiplier].as<std::int16_t>();
  args.epilogue = kernels::Epilogue::residual;
  args.src = patches;
  args.src_stride = static_cast<std::ptrdiff_t>(depth);
  args.dst_stride = args.residual_stride = dst.stride;
  set_grain(op.grain, program_, args);

  const Range rows = share(dst.rows, piece);
  for (std::int64_t begin = rows.begin; begin < rows.end;) {
    if (begin < op.prefix) {
      std::memcpy(row<std::int16_t>(op.dst, begin, piece.place), token_init + begin * dst.stride,
                  dst.stride * sizeof(std::int16_t));
      ++begin;
      continue;
    }
    // Blocks alike, or the last might have all weights read for a row or two; even, as kernels like pairs of rows.
    const std::int64_t left = rows.end - begin;
    const std::int64_t blocks = (left + kPatchBlock - 1) / kPatchBlock;
    const std::int64_t end = std::min(rows.end, begin + (left / blocks + 1) / 2 * 2);
    for (std::int64_t r = begin; r < end; ++r) {
      const std::int64_t index = r - op.prefix;
      std::uint8_t* out = patches + (r - begin) * static_cast<std::int64_t>(depth);
      const std::uint8_t* in =
          row<std::uint8_t>(op.src, index / grid_width * patch, piece.place) + index % grid_width * patch_row_bytes;
      for (std::int64_t y = 0; y < patch; ++y) {
        std::memcpy(out + y * patch_row_bytes, in + y * image.stride, static_cast<std::size_t>(patch_row_bytes));
      }
      const std::int64_t used = patch * patch_row_bytes;
      std::memset(out + used, 0, depth - static_cast<std::size_t>(used));
    }
    args.rows = static_cast<int>(end - begin);
    args.dst = row<std::int16_t>(op.dst, begin, piece.place);
    args.residual = token_init + begin * dst.stride;
    kernels_.linear->run(args);
    begin = end;
  }
}

}  // namespace intvit
