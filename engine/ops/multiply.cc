#include "engine/ops/multiply.h"

#include <cstdlib>

#include "engine/ops/checker.h"
#include "engine/ops/description.h"
#include "engine/ops/execution.h"
#include "kernels/multiply/multiply.h"

namespace intvit {

std::unique_ptr<Operation> make_multiply() { return std::make_unique<MultiplyOp>(); }

void MultiplyOp::check(Checker& c) const {
  const Buffer* from = c.buffer(src, DataType::s16, "src");
  const Buffer* to = c.codes_or_values(dst, max_code);
  if (!c.ok()) return;
  c.require(from->rows == to->rows && from->columns == std::uint64_t{2} * to->columns,
            "src is " + std::to_string(from->rows) + " x " + std::to_string(from->columns) + ", dst " +
                std::to_string(to->rows) + " x " + std::to_string(to->columns) +
                "; src must have as many rows and twice the columns");
  c.constant(activation, DataType::s16, 2 * kernels::kActivationSegments, "activation");
  c.require(activation_segment_bits <= 9, "activation parameters out of range");
  c.require(std::abs(std::int64_t{static_cast<std::int32_t>(bias)}) <= kernels::kLargestMultiplyBias,
            "bias " + std::to_string(static_cast<std::int32_t>(bias)) + ", must be at most 2^30 in magnitude");
  c.require(shift <= 31, "shift " + std::to_string(shift) + ", must be at most 31");
  c.require(multiplier <= INT16_MAX, "multiplier " + std::to_string(multiplier) + ", must be at most 32767");
}

std::string MultiplyOp::describe(const Tensors& tensors) const {
  Description words;
  words.add_result(tensors.buffers[dst], max_code);
  return words.take();
}

void MultiplyOp::execute(const Execution& e) const {
  const Buffer &from = e.buffer(src), &to = e.buffer(dst);
  const Range rows = e.share(to.rows);
  if (rows.empty()) return;
  const auto* table = e.constant<std::int16_t>(activation);
  kernels::MultiplyArgs args{};
  args.src = e.row<std::int16_t>(src, rows.begin);
  args.src_stride = from.stride;
  args.dst = e.row_of_any_type(dst, rows.begin);
  args.dst_stride = to.stride;
  args.rows = static_cast<int>(rows.size());
  args.columns = static_cast<int>(to.columns);
  args.activation = {table, table + kernels::kActivationSegments, static_cast<int>(activation_segment_bits), INT16_MAX,
                     0};
  args.bias = static_cast<std::int32_t>(bias);
  args.shift = static_cast<int>(shift);
  args.multiplier = static_cast<std::int16_t>(multiplier);
  args.max_code = static_cast<int>(max_code);
  args.values = to.type == DataType::s16;
  e.kernels.multiply->run(args);
}

}  // namespace intvit
