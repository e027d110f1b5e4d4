#include "engine/ops/layer_norm.h"

#include "engine/ops/checker.h"
#include "engine/ops/description.h"
#include "engine/ops/execution.h"

namespace intvit {

std::unique_ptr<Operation> make_layer_norm() { return std::make_unique<LayerNormOp>(); }

void LayerNormOp::check(Checker& c) const {
  const Buffer* from = c.buffer(src, DataType::s16, "src");
  const Buffer* to = c.codes_or_values(dst, max_code);
  if (!c.ok()) return;
  c.require(src != dst, "src is dst");
  c.require(from->columns == to->columns && from->columns <= 65536, "src and dst differ in columns or have over 65536");
  c.require(first_row <= from->rows && to->rows <= from->rows - first_row, [&] {
    return "rows " + std::to_string(first_row) + " to " + std::to_string(std::uint64_t{first_row} + to->rows) + " of " +
           std::to_string(from->rows);
  });
  c.constant(affine, DataType::s16, std::uint64_t{2} * from->columns, "affine");
  c.require(shift >= 1 && shift <= 30 && beta_shift <= 14, "shift out of range");
  c.require(epsilon() >= 1 && epsilon() < std::uint64_t{1} << 62, "epsilon out of range");
  c.require(groups >= 1 && from->columns % groups == 0, [&] {
    return std::to_string(groups) + " groups of " + std::to_string(from->columns) + " columns, must divide them";
  });
  c.require(centred <= 1 && add <= 1, "centred or add is neither 0 nor 1");
  c.require(add == 0 || to->type == DataType::s16, "what is added to must be s16");
}

std::string LayerNormOp::describe(const Tensors& tensors) const {
  Description words;
  words.add_result(tensors.buffers[dst], max_code);
  return words.take();
}

void LayerNormOp::execute(const Execution& e) const {
  const Buffer &from = e.buffer(src), &to = e.buffer(dst);
  const Range rows = e.share(to.rows);
  if (rows.empty()) return;
  kernels::LayerNormArgs args{};
  args.src_stride = from.stride;
  args.dst_stride = to.stride;
  args.rows = static_cast<int>(rows.size());
  args.channels = static_cast<int>(from.columns / groups);
  args.shift = static_cast<int>(shift);
  args.beta_shift = static_cast<int>(beta_shift);
  args.epsilon = epsilon();
  args.max_code = static_cast<int>(max_code);
  args.values = to.type == DataType::s16;
  args.centred = centred != 0;
  args.add = add != 0;
  for (std::uint32_t group = 0; group < groups; ++group) {
    const std::uint32_t first = group * (from.columns / groups);
    args.src = e.row<std::int16_t>(src, first_row + rows.begin) + first;
    args.dst = static_cast<std::uint8_t*>(e.row_of_any_type(dst, rows.begin)) + first * byte_size(to.type);
    args.affine = e.constant<std::int16_t>(affine) + 2 * first;
    e.kernels.layer_norm->run(args);
  }
}

}  // namespace intvit
