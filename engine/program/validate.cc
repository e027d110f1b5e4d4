#include "engine/program/validate.h"

#include <algorithm>

#include "engine/format/layout.h"
#include "engine/program/checker.h"
#include "engine/program/plan.h"

namespace intvit {

void check(const LayerNormOp& op, Checker& c) {
  const Buffer* src = c.buffer(op.src, DataType::s16, "src");
  const Buffer* dst = c.codes_or_values(op.dst, op.max_code);
  if (!c.ok()) return;
  c.require(op.src != op.dst, "src is dst");
  c.require(src->columns == dst->columns && src->columns <= 65536, "src and dst differ in columns or have over 65536");
  c.require(op.first_row <= src->rows && dst->rows <= src->rows - op.first_row,
            "rows " + std::to_string(op.first_row) + " to " + std::to_string(std::uint64_t{op.first_row} + dst->rows) +
                " of " + std::to_string(src->rows));
  c.constant(op.affine, DataType::s16, std::uint64_t{2} * src->columns, "affine");
  c.require(op.shift >= 1 && op.shift <= 30 && op.beta_shift <= 14, "shift out of range");
  c.require(op.epsilon() >= 1 && op.epsilon() < std::uint64_t{1} << 62, "epsilon out of range");
}

void check(const MeanRowsOp& op, Checker& c) {
  const Buffer* src = c.buffer(op.src, DataType::s16, "src");
  const Buffer* dst = c.buffer(op.dst, DataType::s16, "dst");
  if (!c.ok()) return;
  c.require(op.src != op.dst, "src is dst");
  c.require(src->columns == dst->columns && dst->rows == 1, "dst must be one row as long as src's");
  c.require(op.row_count >= 1 && op.row_count <= 65536 && op.first_row <= src->rows &&
                op.row_count <= src->rows - op.first_row,
            "rows out of range");
}

namespace {

const std::vector<BufferContents> kNothingWritten;

Status check_buffers(const Program& program) {
  Checker c(program, kNothingWritten, "the program");
  c.require(program.arena_bytes <= kMaxArenaBytes, "an arena of " + std::to_string(program.arena_bytes) + " bytes");
  for (std::size_t i = 0; i < program.buffers.size() && c.ok(); ++i) {
    const Buffer& b = program.buffers[i];
    const std::string name = "buffer " + std::to_string(i);
    c.require(b.type <= DataType::s32, name + " has an unknown type");
    c.require(b.rows >= 1 && b.rows <= kMaxRows && b.columns >= 1 && b.columns <= b.stride && b.stride <= kMaxColumns,
              name + " is " + std::to_string(b.rows) + " x " + std::to_string(b.columns) + " in rows of " +
                  std::to_string(b.stride));
    if (!c.ok()) break;
    c.require(b.offset % 64 == 0 && b.offset <= program.arena_bytes && b.bytes() <= program.arena_bytes - b.offset,
              name + " does not lie in the arena");
  }
  return c.take();
}

// Buffers that live at the same time must not share memory, and nothing is read before it is written.
Status check_flow(const Program& program) {
  Checker c(program, kNothingWritten, "the program");
  const std::vector<Lifetime> alive = lifetimes(program);
  for (std::size_t i = 0; i < program.buffers.size(); ++i) {
    for (std::size_t j = i + 1; j < program.buffers.size() && c.ok(); ++j) {
      const Buffer &a = program.buffers[i], &b = program.buffers[j];
      const bool together = alive[i].first <= alive[j].last && alive[j].first <= alive[i].last;
      const bool shared = a.offset < b.offset + b.bytes() && b.offset < a.offset + a.bytes();
      if (together && shared) {
        c.require(false,
                  "buffers " + std::to_string(i) + " and " + std::to_string(j) + " overlap while both are in use");
      }
    }
  }
  std::vector<bool> written(program.buffers.size(), false);
  written[program.picture] = true;
  for (const Step& step : program.steps) {
    const auto* linear = std::get_if<LinearOp>(&step.op);
    if (linear != nullptr && linear->kind == LinearKind::residual) {
      c.require(written[linear->dst], "'" + step.layer + "' adds to a buffer that nothing has written");
    }
    std::visit(
        [&](const auto& op) {
          c.require(written[op.src], "'" + step.layer + "' reads a buffer that nothing has written");
          written[op.dst] = true;
          c.require(op.dst != program.picture, "'" + step.layer + "' writes over the picture");
        },
        step.op);
  }
  c.require(written[program.logits], "nothing writes the logits");
  return c.take();
}

}  // namespace

Status validate(const Program& program) {
  if (Status status = check_buffers(program); !status.ok()) return status;
  const std::vector<BufferContents> contents = buffer_contents(program);
  Checker c(program, contents, "the program");
  const InputGeometry& in = program.input;
  c.require(in.height >= 1 && in.height <= kMaxInputEdge && in.width >= 1 && in.width <= kMaxInputEdge &&
                in.resize_height >= 1 && in.resize_height <= 65535 && in.resize_width >= 1 &&
                in.resize_width <= 65535 && in.interpolation <= Interpolation::lanczos &&
                in.crop_mode <= CropMode::squash,
            "the input geometry is out of range");
  const Buffer* picture = c.buffer(program.picture, DataType::u8, "the picture");
  const Buffer* logits = c.buffer(program.logits, DataType::s32, "logits");
  if (!c.ok()) return c.take();
  c.require(picture->rows == in.height && picture->columns == in.width * 3 && picture->stride == picture->columns,
            "the picture's buffer does not match the input geometry");
  c.require(logits->rows == 1 && program.logit_fraction_bits <= 31, "logits must be one row");
  c.require(!program.steps.empty(), "no steps");
  if (!c.ok()) return c.take();
  for (std::size_t i = 0; i < program.steps.size(); ++i) {
    const Step& step = program.steps[i];
    Checker checker(program, contents,
                    "step " + std::to_string(i) + " (" + std::string(op_name(step.op)) + " '" + step.layer + "')");
    std::visit([&](const auto& op) { check(op, checker); }, step.op);
    if (!checker.ok()) return checker.take();
  }
  return check_flow(program);
}

}  // namespace intvit
