#include "engine/program/validate.h"

#include "engine/ops/checker.h"
#include "engine/program/buffer_contents.h"
#include "engine/program/memory_plan.h"
#include "engine/tensors/limits.h"

namespace intvit {
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

Status check_picture_and_logits(const Program& program) {
  Checker c(program, kNothingWritten, "the program");
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
  return c.take();
}

Status check_steps(const Program& program) {
  if (program.steps.empty()) return {Code::corrupt_file, "the program: no steps"};
  const std::vector<BufferContents> contents = buffer_contents(program);
  for (std::size_t i = 0; i < program.steps.size(); ++i) {
    const Step& step = program.steps[i];
    Checker c(program, contents,
              "step " + std::to_string(i) + " (" + std::string(step.op->name()) + " '" + step.layer + "')");
    step.op->check(c);
    for (const Operand& operand : step.op->operands()) {
      c.require(operand.buffer < program.buffers.size(), std::string(operand.name) + " is no buffer");
    }
    if (!c.ok()) return c.take();
  }
  return {};
}

// Buffers that live at the same time must not share memory.
Status check_overlap(const Program& program) {
  const std::vector<Lifetime> alive = lifetimes(program);
  for (std::size_t i = 0; i < program.buffers.size(); ++i) {
    for (std::size_t j = i + 1; j < program.buffers.size(); ++j) {
      const Buffer &a = program.buffers[i], &b = program.buffers[j];
      const bool together = alive[i].first <= alive[j].last && alive[j].first <= alive[i].last;
      const bool shared = a.offset < b.offset + b.bytes() && b.offset < a.offset + a.bytes();
      if (together && shared) {
        return {Code::corrupt_file, "the program: buffers " + std::to_string(i) + " and " + std::to_string(j) +
                                        " overlap while both are in use"};
      }
    }
  }
  return {};
}

// Nothing is read before it is written.
Status check_flow(const Program& program) {
  Checker c(program, kNothingWritten, "the program");
  std::vector<bool> written(program.buffers.size(), false);
  written[program.picture] = true;
  for (const Step& step : program.steps) {
    const std::vector<Operand> operands = step.op->operands();
    for (const Operand& operand : operands) {
      if (!operand.reads()) continue;
      c.require(written[operand.buffer], "'" + step.layer + "' " + (operand.writes() ? "adds to" : "reads") +
                                             " a buffer that nothing has written");
    }
    for (const Operand& operand : operands) {
      if (!operand.writes()) continue;
      written[operand.buffer] = true;
      c.require(operand.buffer != program.picture, "'" + step.layer + "' writes over the picture");
    }
  }
  c.require(written[program.logits], "nothing writes the logits");
  return c.take();
}

}  // namespace

Status validate(const Program& program) {
  for (const auto check : {check_buffers, check_picture_and_logits, check_steps, check_overlap, check_flow}) {
    if (Status status = check(program); !status.ok()) return status;
  }
  return {};
}

}  // namespace intvit
