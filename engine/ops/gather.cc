#include "engine/ops/gather.h"

#include <algorithm>
#include <cstring>

#include "engine/ops/checker.h"
#include "engine/ops/description.h"
#include "engine/ops/execution.h"

namespace intvit {

std::unique_ptr<Operation> make_gather() { return std::make_unique<GatherOp>(); }

void GatherOp::check(Checker& c) const {
  c.require(src < c.tensors().buffers.size(), [&] { return "src is buffer " + std::to_string(src); });
  if (!c.ok()) return;
  const DataType type = c.tensors().buffers[src].type;
  c.require(type == DataType::s16 || type == DataType::u8, "src must be s16 or u8");
  const Buffer* from = c.buffer(src, type, "src");
  const Buffer* to = c.buffer(dst, type, "dst");
  if (!c.ok()) return;
  c.require(src != dst, "src is dst");
  c.require(src != c.tensors().buffer_of(PortKind::picture), "src is the picture");
  // Every row of a buffer in two planes would need its planes moved.
  c.require(type == DataType::s16 || c.contents(src).planes == 1, "src has two planes");
  c.require(join >= 1 && std::uint64_t{join} * from->columns == to->columns, [&] {
    return "dst has " + std::to_string(to->columns) + " columns, must have " + std::to_string(join) + " times " +
           std::to_string(from->columns);
  });
  const std::int32_t value = static_cast<std::int32_t>(pad);
  c.require(type == DataType::s16 ? value >= INT16_MIN && value <= INT16_MAX : value >= 0 && value <= 255,
            [&] { return "pad of " + std::to_string(value); });
  if (!c.ok()) return;
  c.within<std::int32_t>(c.constant(map, DataType::s32, std::uint64_t{join} * to->rows, "map"), -1,
                         static_cast<std::int32_t>(from->rows) - 1, "map");
}

std::string GatherOp::describe(const Tensors&) const {
  Description words;
  words.add_if(join > 1, std::to_string(join) + " rows side by side");
  return words.take();
}

void GatherOp::execute(const Execution& e) const {
  const Buffer &from = e.buffer(src), &to = e.buffer(dst);
  const Range rows = e.share(to.rows);
  const std::size_t bytes = from.columns * byte_size(from.type);
  for (std::int64_t r = rows.begin; r < rows.end; ++r) {
    auto* out = static_cast<std::uint8_t*>(e.row_of_any_type(dst, r));
    const std::int32_t* sources = e.constant<std::int32_t>(map) + r * join;
    for (std::uint32_t i = 0; i < join; ++i, out += bytes) {
      if (sources[i] >= 0) {
        std::memcpy(out, e.row_of_any_type(src, sources[i]), bytes);
      } else if (from.type == DataType::u8) {
        std::memset(out, static_cast<int>(pad), bytes);
      } else {
        std::fill_n(reinterpret_cast<std::int16_t*>(out), from.columns, static_cast<std::int16_t>(pad));
      }
    }
  }
}

}  // namespace intvit
