#include "engine/ops/linear.h"

#include <algorithm>

#include "engine/ops/aside.h"
#include "engine/ops/description.h"
#include "engine/ops/linear_sums.h"
#include "engine/ops/row_constants.h"
#include "engine/ops/scratch.h"

namespace intvit {

using kernels::Epilogue;

namespace {

// In files.
static_assert(static_cast<int>(Epilogue::codes) == 0 && static_cast<int>(Epilogue::activation) == 1 &&
              static_cast<int>(Epilogue::residual) == 2 && static_cast<int>(Epilogue::logits) == 3);

// The epilogue that leaves the values before the clamp, where there is one.
Epilogue without_clamp(Epilogue epilogue) {
  switch (epilogue) {
    case Epilogue::codes:
      return Epilogue::values;
    case Epilogue::activation:
      return Epilogue::activation_values;
    default:
      return epilogue;
  }
}

}  // namespace

std::unique_ptr<Operation> make_linear() { return std::make_unique<LinearOp>(); }

void LinearOp::check(Checker& c) const {
  const Buffer* from = c.buffer(src, DataType::u8, "src");
  c.require(kind <= Epilogue::logits, "unknown kind of linear");
  const Buffer* to = kind == Epilogue::logits     ? c.buffer(dst, DataType::s32, "dst")
                     : kind == Epilogue::residual ? c.buffer(dst, DataType::s16, "dst")
                                                  : c.codes_or_values(dst, max_code);
  if (!c.ok()) return;
  c.require(src != dst, "src is dst");
  c.planes(*from, planes, "src");
  if (!c.ok()) return;
  // A plane that nothing fills would be whatever was in memory.
  c.require(planes <= c.contents(src).planes, "src is read in 2 planes but not written in 2 planes");
  const std::uint32_t plane = from->stride / planes;
  check_linear(c, linear, *to, kind == Epilogue::logits, {plane, from->columns});
  const std::uint32_t ratio = from->rows / to->rows;
  c.require(ratio * to->rows == from->rows, "src rows are no multiple of dst rows");
  c.require(ratio == 1 ? linear.k <= plane : std::uint64_t{ratio} * from->stride == linear.k && planes == 1, [&] {
    return "weights have " + std::to_string(linear.k) + " inputs in " + std::to_string(planes) +
           " planes, src has rows of " + std::to_string(plane);
  });
  if (kind == Epilogue::residual) check_coarse_steps(c, coarse_steps, linear.n);
  if (init != kNone) {
    c.require(kind == Epilogue::codes, "init is of another kind than codes");
    c.constant(init, DataType::s16, std::uint64_t{to->rows} * to->stride, "init");
  }
  if (kind == Epilogue::activation) {
    c.constant(activation, DataType::s16, 2 * kernels::kActivationSegments, "activation");
    c.require(activation_segment_bits <= 9 && activation_multiplier <= 32767 && activation_zero_point <= 255,
              "activation parameters out of range");
  }
  if (aside != kNone) return check_aside_sums(c);
  const BufferContents& contents = c.contents(src);
  check_linear_sums(c, linear, ratio == 1 ? std::min(from->columns, linear.k) : ratio * from->columns,
                    planes == 2 ? contents.highest_value : contents.highest_code);
}

// No sum of codes, excesses and bias leaves 32 bits.
void LinearOp::check_aside_sums(Checker& c) const {
  c.require(kind != Epilogue::logits && planes == 1, "aside with logits or two planes");
  c.require(aside != dst, "aside is dst");
  if (!c.ok()) return;
  const Tensors& tensors = c.tensors();
  const Buffer& from = tensors.buffers[src];
  c.require(from.rows == tensors.buffers[dst].rows, "aside with several src rows for one of dst");
  const Buffer* lists = c.ok() ? check_aside(c, aside, from) : nullptr;
  if (lists == nullptr) return;
  const std::int64_t largest_sum = kernels::max_sum(static_cast<int>(linear.bits), std::min(from.columns, linear.k),
                                                    c.contents(src).highest_code, most_aside(*lists));
  c.require(largest_sum <= INT32_MAX, [&] {
    return std::to_string(most_aside(*lists)) + " values aside of " + std::to_string(linear.k) +
           " inputs do not fit 32-bit sums; fewer do";
  });
  if (!c.ok()) return;
  const auto room = static_cast<std::int32_t>(INT32_MAX - largest_sum);
  c.within<std::int32_t>(&tensors.constants[linear.bias], -room, room, "bias beside values aside");
}

// Where several rows are read as one, all of them are inputs.
std::uint64_t LinearOp::macs(const Tensors& tensors) const {
  const Buffer& from = tensors.buffers[src];
  return std::uint64_t{from.rows} * from.columns * linear.n;
}

std::size_t LinearOp::product_scratch_bytes(const Tensors& tensors) const {
  const std::size_t bytes = align_scratch(linear.scratch_bytes());
  if (aside == kNone) return bytes;
  const Buffer& lists = tensors.buffers[aside];
  return bytes +
         align_scratch(kernels::aside_scratch_bytes(static_cast<int>(lists.rows), static_cast<int>(most_aside(lists))));
}

std::size_t LinearOp::scratch_bytes(const Tensors& tensors) const {
  return product_scratch_bytes(tensors) +
         (init == kNone ? 0 : row_constants_scratch_bytes(tensors.buffers[dst], linear.n));
}

std::string LinearOp::describe(const Tensors& tensors) const {
  Description words;
  words.add_weights(linear);
  words.add_planes(planes);
  if (kind == Epilogue::codes || kind == Epilogue::activation) words.add_result(tensors.buffers[dst], max_code);
  words.add_coarse_steps(coarse_steps);
  words.add_if(aside != kNone, "values aside");
  return words.take();
}

void LinearOp::execute(const Execution& e) const {
  const Buffer &from = e.buffer(src), &to = e.buffer(dst);
  const std::int64_t src_rows_per_dst_row = from.rows / to.rows;
  const Range rows = e.share(to.rows);
  if (rows.empty()) return;
  kernels::LinearArgs args = linear_args(linear, e, e.workspace.scratch);
  // What stands behind the columns of a row has weights of zero (check_linear). A row may have more columns than
  // inputs.
  if (src_rows_per_dst_row == 1) {
    args.weights.used = kernels::whole_groups(static_cast<int>(std::min(from.columns, linear.k)));
  }
  args.src = e.row<std::uint8_t>(src, rows.begin * src_rows_per_dst_row);
  args.src_stride = src_rows_per_dst_row * from.stride;
  args.plane_stride = planes == 2 ? from.stride / 2 : 0;
  if (aside != kNone) {
    const Buffer& lists = e.buffer(aside);
    args.aside = {e.row<std::int16_t>(aside, rows.begin), lists.stride, static_cast<int>(most_aside(lists)),
                  static_cast<int>(std::min(from.columns, linear.k)),
                  static_cast<std::uint8_t*>(e.workspace.scratch) + align_scratch(linear.scratch_bytes())};
  }
  args.max_code = static_cast<int>(max_code);
  args.rows = static_cast<int>(rows.size());
  args.dst = e.row_of_any_type(dst, rows.begin);
  args.dst_stride = to.stride;
  args.epilogue = to.type == DataType::s16 ? without_clamp(kind) : kind;
  switch (kind) {
    case Epilogue::activation: {
      const auto* table = e.constant<std::int16_t>(activation);
      args.activation = {table, table + kernels::kActivationSegments, static_cast<int>(activation_segment_bits),
                         static_cast<std::int16_t>(activation_multiplier),
                         static_cast<std::int16_t>(activation_zero_point)};
      break;
    }
    case Epilogue::residual:
      args.residual = e.row<std::int16_t>(dst, rows.begin);
      args.residual_stride = to.stride;
      set_coarse_steps(coarse_steps, e.tensors, args);
      break;
    case Epilogue::logits:
      args.logit_multiplier = e.constant<std::int32_t>(linear.multiplier);
      args.logit_shift = args.requantizer.shift;
      break;
    default:
      break;
  }
  if (kind != Epilogue::logits) args.requantizer.multiplier = e.constant<std::int16_t>(linear.multiplier);
  if (init == kNone) return e.kernels.linear->run(args);
  add_init(e, args, rows);
}

void LinearOp::add_init(const Execution& e, kernels::LinearArgs args, Range rows) const {
  const Buffer& to = e.buffer(dst);
  auto* values = reinterpret_cast<std::int16_t*>(static_cast<std::uint8_t*>(e.workspace.scratch) +
                                                 product_scratch_bytes(e.tensors));
  for (std::int64_t begin = rows.begin; begin < rows.end; begin += args.rows) {
    args.rows = static_cast<int>(std::min<std::int64_t>(kConstantRows, rows.end - begin));
    args.dst = e.row_of_any_type(dst, begin);
    add_row_constants(*e.kernels.linear, args, to.type, e.constant<std::int16_t>(init) + begin * to.stride, to.stride,
                      values);
    args.src += args.rows * args.src_stride;
    if (aside != kNone) args.aside.lists += args.rows * args.aside.stride;
  }
}

}  // namespace intvit
