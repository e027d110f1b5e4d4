#include "engine/ops/rotate.h"

#include <algorithm>
#include <cstdlib>

#include "engine/ops/checker.h"
#include "engine/ops/description.h"
#include "engine/ops/execution.h"
#include "kernels/rotate/rotate.h"

namespace intvit {
namespace {

struct RotateCodes {
  bool sound;
};

RotateCodes rotate_codes(const Constant& constant) {
  const auto* codes = constant.as<std::int32_t>();
  for (std::size_t i = 0; i + 1 < constant.count(); i += 2) {
    const std::int64_t bias = codes[i];
    if (std::abs(bias) > kernels::kLargestRotateBias || codes[i + 1] < 0 || codes[i + 1] > 31) return {false};
  }
  return {true};
}

}  // namespace

std::unique_ptr<Operation> make_rotate() { return std::make_unique<RotateOp>(); }

void RotateOp::check(Checker& c) const {
  const Buffer* from = c.buffer(src, DataType::s16, "src");
  const Buffer* to = c.buffer(dst, DataType::u8, "dst");
  if (!c.ok()) return;
  c.require(from->rows == to->rows && from->columns == to->columns, "src and dst differ in rows or columns");
  c.require(max_code >= 1 && max_code <= 255,
            [&] { return "max_code is " + std::to_string(max_code) + ", must be 1 to 255"; });
  c.require(heads >= 1 && from->columns % (std::uint64_t{2} * std::max(heads, 1u)) == 0, [&] {
    return std::to_string(heads) + " heads of " + std::to_string(from->columns) + " columns, must be pairs in each";
  });
  c.require(first_row <= from->rows, [&] {
    return "first_row is " + std::to_string(first_row) + " of " + std::to_string(from->rows) + " rows";
  });
  if (!c.ok()) return;
  const std::uint64_t turned = from->rows - first_row;
  c.within<std::int16_t>(c.constant(angles, DataType::s16, turned * (from->columns / heads), "angles"), -INT16_MAX,
                         INT16_MAX, "angles");
  const Constant* numbers = c.constant(codes, DataType::s32, std::uint64_t{2} * heads, "codes");
  if (!c.ok()) return;
  c.require(c.facts().of<RotateCodes>(*numbers, [&] { return rotate_codes(*numbers); }).sound, [&] {
    return "codes '" + numbers->name + "' with a bias over 2^30 in magnitude or a shift that is not 0 to 31";
  });
}

std::string RotateOp::describe(const Tensors& tensors) const {
  Description words;
  words.add_result(tensors.buffers[dst], max_code);
  return words.take();
}

void RotateOp::execute(const Execution& e) const {
  const Buffer &from = e.buffer(src), &to = e.buffer(dst);
  const Range rows = e.share(to.rows);
  if (rows.empty()) return;
  kernels::RotateArgs args{};
  args.src_stride = from.stride;
  args.dst_stride = to.stride;
  args.heads = static_cast<int>(heads);
  args.head_dim = static_cast<int>(from.columns / heads);
  args.codes = e.constant<std::int32_t>(codes);
  args.max_code = static_cast<int>(max_code);
  const auto run = [&](std::int64_t begin, std::int64_t end, const std::int16_t* of_rows) {
    if (begin >= end) return;
    args.src = e.row<std::int16_t>(src, begin);
    args.dst = e.row<std::uint8_t>(dst, begin);
    args.rows = static_cast<int>(end - begin);
    args.angles = of_rows;
    e.kernels.rotate->run(args);
  };
  const std::int64_t first = first_row, turned = std::max<std::int64_t>(rows.begin, first);
  run(rows.begin, std::min<std::int64_t>(rows.end, first), nullptr);
  run(turned, rows.end, e.constant<std::int16_t>(angles) + (turned - first) * std::int64_t{args.head_dim});
}

}  // namespace intvit
