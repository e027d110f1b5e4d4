#include "engine/ops/linear_constants.h"

#include <algorithm>
#include <map>
#include <vector>

#include "engine/tensors/limits.h"

namespace intvit {
namespace {

// The weights of a matrix at the end of each of the pieces that its inputs come in.
struct PaddingFacts {
  std::uint32_t n, k, piece;
  // Of every column: so many inputs of a piece stand before those whose weights are the same in all pieces.
  std::vector<std::uint32_t> different;
  std::vector<std::uint8_t> rest;  // that weight
  // By zero points: so many inputs of a piece may have a weight that is not zero.
  std::map<ConstantId, std::uint32_t> weighing;
};

PaddingFacts padding_facts(const LinearConstants& l, const std::uint8_t* tiles, std::uint32_t piece) {
  PaddingFacts facts{l.n, l.k, piece, std::vector<std::uint32_t>(l.n), std::vector<std::uint8_t>(l.n), {}};
  const int depth = static_cast<int>(l.k);
  for (std::uint32_t c = 0; c < l.n; ++c) {
    const auto weight = [&](std::uint32_t k) -> std::uint8_t {
      const int column = static_cast<int>(c), input = static_cast<int>(k);
      if (l.bits == 8) return tiles[kernels::tile_offset(column, input, depth)];
      return static_cast<std::uint8_t>(kernels::stored_number(tiles, static_cast<int>(l.bits), column, input, depth));
    };
    const std::uint8_t rest = facts.rest[c] = weight(piece - 1);
    const auto is_rest = [&](std::uint32_t input) {
      for (std::uint32_t k = input; k < l.k; k += piece) {
        if (weight(k) != rest) return false;
      }
      return true;
    };
    std::uint32_t& different = facts.different[c];
    for (different = piece; different > 0 && is_rest(different - 1);) --different;
  }
  return facts;
}

// Rows of the source are pieces that may be longer than what is read of them.
void check_padding(Checker& c, const LinearConstants& l, const Constant& tiles, SourceRow row) {
  const std::uint32_t piece = std::min(row.stride, l.k);
  if (row.used >= piece || l.k % piece != 0) return;
  auto& facts = c.facts().of<PaddingFacts>(tiles, [&] { return padding_facts(l, tiles.bytes.data(), piece); });
  // What has one shape is read once.
  c.require(facts.n == l.n && facts.k == l.k && facts.piece == piece,
            [&] { return "weights '" + tiles.name + "' are read in another shape than before"; });
  if (!c.ok()) return;
  const ConstantId zero_points = l.has_zero_points() ? l.zero_points : kNone;
  const auto [found, is_new] = facts.weighing.try_emplace(zero_points, 0);
  for (std::uint32_t column = 0; is_new && column < l.n; ++column) {
    const std::uint8_t zero = zero_points == kNone ? 0 : c.tensors().constants[zero_points].as<std::uint8_t>()[column];
    found->second = std::max(found->second, facts.rest[column] == zero ? facts.different[column] : piece);
  }
  c.require(found->second <= row.used, "weights of padding are not zero");
}

}  // namespace

void check_linear(Checker& c, const LinearConstants& l, const Buffer& dst, bool logits, SourceRow row) {
  c.require(l.bits == 8 || (l.bits >= 2 && l.bits <= 4),
            [&] { return std::to_string(l.bits) + "-bit weights, must be 8, 4, 3 or 2"; });
  c.require(l.n >= 1 && l.n <= kMaxColumns, [&] { return std::to_string(l.n) + " outputs"; });
  const auto deepest = static_cast<std::uint32_t>(kernels::max_depth(static_cast<int>(l.bits)));
  c.require(l.k >= 1 && l.k <= deepest && l.k % kernels::kDepthPadding == 0,
            [&] { return std::to_string(l.k) + " inputs, must be a multiple of 64 up to " + std::to_string(deepest); });
  if (!c.ok()) return;
  const auto columns = static_cast<std::uint32_t>(kernels::padded_columns(static_cast<int>(l.n)));
  c.require(dst.columns == l.n && dst.stride >= columns, [&] {
    return "dst has " + std::to_string(dst.columns) + " columns in rows of " + std::to_string(dst.stride) +
           ", must have " + std::to_string(l.n) + " in rows of at least " + std::to_string(columns);
  });
  const std::uint64_t bytes =
      kernels::tile_bytes(static_cast<int>(l.n), static_cast<int>(l.k), static_cast<int>(l.bits));
  const Constant* tiles = c.constant(l.tiles, l.bits == 8 ? DataType::s8 : DataType::u8, bytes, "weights");
  if (l.has_zero_points()) {
    c.within<std::uint8_t>(c.constant(l.zero_points, DataType::u8, columns, "zero points"), 0, (1 << l.bits) - 1,
                           "zero points");
  }
  if (c.ok()) check_padding(c, l, *tiles, row);
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
                  l.has_zero_points() ? execution.constant<std::uint8_t>(l.zero_points) : nullptr,
                  static_cast<int>(l.bits), static_cast<int>(l.n), static_cast<int>(l.k)};
  args.weights.next = execution.next_weights.data();
  args.weights.next_bytes = execution.next_weights.size();
  args.requantizer.bias = execution.constant<std::int32_t>(l.bias);
  args.requantizer.shift = execution.constant<std::uint8_t>(l.shift);
  args.scratch = scratch;
  return args;
}

std::span<const std::uint8_t> first_weights(const LinearConstants& l, const Tensors& tensors) {
  const std::span<const std::uint8_t> tiles = tensors.constants[l.tiles].bytes;
  const int columns = l.bits < 4 ? kernels::kUnpackedColumns : 2 * kernels::kPanelColumns;
  return tiles.first(
      std::min(tiles.size(), kernels::tile_bytes(columns, static_cast<int>(l.k), static_cast<int>(l.bits))));
}

}  // namespace intvit
