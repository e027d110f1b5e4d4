#include "engine/ops/linear_constants.h"

#include <algorithm>

#include "engine/tensors/limits.h"

namespace intvit {
namespace {

bool padding_weighs_nothing(const LinearConstants& l, const std::uint8_t* tiles, const std::uint8_t* zero_points,
                            SourceRow row) {
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

void check_linear(Checker& c, const LinearConstants& l, const Buffer& dst, bool logits, SourceRow row) {
  c.require(l.bits == 8 || l.bits == 4, std::to_string(l.bits) + "-bit weights, must be 8 or 4");
  c.require(l.n >= 1 && l.n <= kMaxColumns, std::to_string(l.n) + " outputs");
  const auto deepest = static_cast<std::uint32_t>(kernels::max_depth(static_cast<int>(l.bits)));
  c.require(l.k >= 1 && l.k <= deepest && l.k % kernels::kDepthPadding == 0,
            std::to_string(l.k) + " inputs, must be a multiple of 64 up to " + std::to_string(deepest));
  if (!c.ok()) return;
  const auto columns = static_cast<std::uint32_t>(kernels::padded_columns(static_cast<int>(l.n)));
  c.require(dst.columns == l.n && dst.stride >= columns,
            "dst has " + std::to_string(dst.columns) + " columns in rows of " + std::to_string(dst.stride) +
                ", must have " + std::to_string(l.n) + " in rows of at least " + std::to_string(columns));
  const std::uint64_t bytes =
      kernels::tile_bytes(static_cast<int>(l.n), static_cast<int>(l.k), static_cast<int>(l.bits));
  const Constant* tiles = c.constant(l.tiles, l.bits == 8 ? DataType::s8 : DataType::u8, bytes, "weights");
  if (l.bits == 4)
    c.within<std::uint8_t>(c.constant(l.zero_points, DataType::u8, columns, "zero points"), 0, 15, "zero points");
  if (c.ok()) {
    const std::uint8_t* zero_points = l.bits == 4 ? c.tensors().constants[l.zero_points].bytes.data() : nullptr;
    c.require(padding_weighs_nothing(l, tiles->bytes.data(), zero_points, row), "weights of padding are not zero");
  }
  c.constant(l.bias, DataType::s32, columns, "bias");
  const Constant* shift = c.constant(l.shift, DataType::u8, columns, "shift");
  if (logits) {
    c.within<std::uint8_t>(shift, 1, 62, "shift");
    c.within<std::int32_t>(c.constant(l.multiplier, DataType::s32, columns, "multiplier"), 0, INT32_MAX, "multiplier");
  } else {
    c.within<std::uint8_t>(shift, 0, 31, "shift");
    c.within<std::int16_t>(c.constant(l.multiplier, DataType::s16, columns, "multiplier"), 0, INT16_MAX, "multiplier");
  }
}

kernels::LinearArgs linear_args(const LinearConstants& l, const Execution& execution, void* scratch) {
  kernels::LinearArgs args{};
  args.weights = {execution.constant<std::uint8_t>(l.tiles),
                  l.bits == 4 ? execution.constant<std::uint8_t>(l.zero_points) : nullptr, static_cast<int>(l.bits),
                  static_cast<int>(l.n), static_cast<int>(l.k)};
  args.weights.next = execution.next_weights.data();
  args.weights.next_bytes = execution.next_weights.size();
  args.requantizer.bias = execution.constant<std::int32_t>(l.bias);
  args.requantizer.shift = execution.constant<std::uint8_t>(l.shift);
  args.scratch = scratch;
  return args;
}

std::span<const std::uint8_t> first_weights(const LinearConstants& l, const Tensors& tensors) {
  const std::span<const std::uint8_t> tiles = tensors.constants[l.tiles].bytes;
  return tiles.first(std::min(tiles.size(), std::size_t{2} * kernels::kPanelColumns * l.k * l.bits / 8));
}

}  // namespace intvit
