// Checks of the operations that multiply by weights: linear and patch_embed.
#include "engine/program/checker.h"
#include "kernels/gemm/linear.h"

namespace intvit {
namespace {

using kernels::padded_columns;
using kernels::padded_depth;

bool padding_weighs_nothing(const LinearConstants& l, const std::uint8_t* tiles, const std::uint8_t* zero_points,
                            Checker::SourceRow row) {
  const int depth = static_cast<int>(l.k), columns = static_cast<int>(l.n);
  for (int k = 0; k < depth; ++k) {
    if (static_cast<std::uint32_t>(k) % row.stride < row.used) continue;
    for (int c = 0; c < columns; ++c) {
      if (l.bits == 8) {
        if (tiles[kernels::tile_offset(c, k, depth)] != 0) return false;
      } else {
        const kernels::NibblePosition at = kernels::nibble_position(c, k, depth);
        if ((at.high ? tiles[at.byte] >> 4 : tiles[at.byte] & 15) != zero_points[c]) return false;
      }
    }
  }
  return true;
}

}  // namespace

void Checker::linear(const LinearConstants& l, const Buffer& dst, bool logits, SourceRow row) {
  require(l.bits == 8 || l.bits == 4, std::to_string(l.bits) + "-bit weights, must be 8 or 4");
  require(l.n >= 1 && l.n <= kMaxColumns, std::to_string(l.n) + " outputs");
  const auto deepest = static_cast<std::uint32_t>(kernels::max_depth(static_cast<int>(l.bits)));
  require(l.k >= 1 && l.k <= deepest && l.k % kernels::kDepthPadding == 0,
          std::to_string(l.k) + " inputs, must be a multiple of 64 up to " + std::to_string(deepest));
  if (!ok()) return;
  const auto columns = static_cast<std::uint32_t>(padded_columns(static_cast<int>(l.n)));
  require(dst.columns == l.n && dst.stride >= columns,
          "dst has " + std::to_string(dst.columns) + " columns in rows of " + std::to_string(dst.stride) +
              ", must have " + std::to_string(l.n) + " in rows of at least " + std::to_string(columns));
  const std::uint64_t bytes =
      kernels::tile_bytes(static_cast<int>(l.n), static_cast<int>(l.k), static_cast<int>(l.bits));
  const Constant* tiles = constant(l.tiles, l.bits == 8 ? DataType::s8 : DataType::u8, bytes, "weights");
  if (l.bits == 4)
    within<std::uint8_t>(constant(l.zero_points, DataType::u8, columns, "zero points"), 0, 15, "zero points");
  if (ok()) {
    const std::uint8_t* zero_points = l.bits == 4 ? program_.constants[l.zero_points].bytes.data() : nullptr;
    require(padding_weighs_nothing(l, tiles->bytes.data(), zero_points, row), "weights of padding are not zero");
  }
  constant(l.bias, DataType::s32, columns, "bias");
  const Constant* shift = constant(l.shift, DataType::u8, columns, "shift");
  if (logits) {
    within<std::uint8_t>(shift, 1, 62, "shift");
    within<std::int32_t>(constant(l.multiplier, DataType::s32, columns, "multiplier"), 0, INT32_MAX, "multiplier");
  } else {
    within<std::uint8_t>(shift, 0, 31, "shift");
    within<std::int16_t>(constant(l.multiplier, DataType::s16, columns, "multiplier"), 0, INT16_MAX, "multiplier");
  }
}

void Checker::grain(const ResidualGrain& g, std::uint32_t n) {
  if (!g.any() || !ok()) return;
  const auto columns = static_cast<std::uint64_t>(padded_columns(static_cast<int>(n)));
  within<std::int16_t>(constant(g.power, DataType::s16, columns, "grain powers"), 0, INT16_MAX, "grain powers");
  constant(g.unit, DataType::s16, columns, "grain units");
  require(g.limit <= INT16_MAX, "grain limit " + std::to_string(g.limit) + ", at most 32767");
}

void check(const PatchEmbedOp& op, Checker& c) {
  const InputGeometry& input = c.program().input;
  c.buffer(op.src, DataType::u8, "src");
  const Buffer* dst = c.buffer(op.dst, DataType::s16, "dst");
  c.require(op.src == c.program().picture, "src must be the picture");
  c.require(op.patch >= 1 && op.patch <= 128 && input.height % op.patch == 0 && input.width % op.patch == 0,
            "patches of " + std::to_string(op.patch) + " do not divide the input of " + std::to_string(input.height) +
                " x " + std::to_string(input.width));
  if (!c.ok()) return;
  const std::uint32_t patches = input.height / op.patch * (input.width / op.patch);
  const std::uint32_t pixels = op.patch * op.patch * 3;
  c.require(op.prefix <= kMaxRows && dst->rows == op.prefix + patches,
            "dst has " + std::to_string(dst->rows) + " rows, must have " + std::to_string(op.prefix + patches));
  c.require(static_cast<int>(op.linear.k) == padded_depth(static_cast<int>(pixels)),
            "weights have " + std::to_string(op.linear.k) + " inputs for patches of " + std::to_string(op.patch));
  c.linear(op.linear, *dst, false, {op.linear.k, pixels});
  c.grain(op.grain, op.linear.n);
  if (c.ok()) c.constant(op.token_init, DataType::s16, std::uint64_t{dst->rows} * dst->stride, "token_init");
}

void check(const LinearOp& op, Checker& c) {
  const Buffer* src = c.buffer(op.src, DataType::u8, "src");
  c.require(op.kind <= LinearKind::logits, "unknown kind of linear");
  const Buffer* dst = op.kind == LinearKind::logits     ? c.buffer(op.dst, DataType::s32, "dst")
                      : op.kind == LinearKind::residual ? c.buffer(op.dst, DataType::s16, "dst")
                                                        : c.codes_or_values(op.dst, op.max_code);
  if (!c.ok()) return;
  c.require(op.src != op.dst, "src is dst");
  c.planes(*src, op.planes, "src");
  if (!c.ok()) return;
  // A plane that nothing fills would be whatever was in memory.
  c.require(op.planes <= c.contents(op.src).planes, "src is read in 2 planes but not written in 2 planes");
  const std::uint32_t plane = src->stride / op.planes;
  c.linear(op.linear, *dst, op.kind == LinearKind::logits, {plane, src->columns});
  const std::uint32_t ratio = src->rows / dst->rows;
  c.require(ratio * dst->rows == src->rows, "src rows are no multiple of dst rows");
  c.require(ratio == 1 ? op.linear.k <= plane : std::uint64_t{ratio} * src->stride == op.linear.k && op.planes == 1,
            "weights have " + std::to_string(op.linear.k) + " inputs in " + std::to_string(op.planes) +
                " planes, src has rows of " + std::to_string(plane));
  if (op.kind == LinearKind::residual) c.grain(op.grain, op.linear.n);
  if (op.kind == LinearKind::activation) {
    c.constant(op.activation, DataType::s16, 2 * kernels::kActivationSegments, "activation");
    c.require(op.activation_segment_bits <= 9 && op.activation_multiplier <= 32767 && op.activation_zero_point <= 255,
              "activation parameters out of range");
  }
}

}  // namespace intvit
