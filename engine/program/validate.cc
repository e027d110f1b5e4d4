#include "engine/program/validate.h"

#include "engine/ops/checker.h"
#include "engine/program/buffer_contents.h"
#include "engine/program/check_ports.h"
#include "engine/tensors/limits.h"

namespace intvit {
namespace {

const std::vector<BufferContents> kNothingWritten;

Status check_buffers(const Program& program) {
  Checker c(program, kNothingWritten, "the program");
  for (std::size_t i = 0; i < program.buffers.size() && c.ok(); ++i) {
    const Buffer& b = program.buffers[i];
    const auto name = [&] { return "buffer " + std::to_string(i); };
    c.require(b.type <= DataType::s32, [&] { return name() + " has an unknown type"; });
    c.require(b.rows >= 1 && b.rows <= kMaxRows && b.columns >= 1 && b.columns <= b.stride && b.stride <= kMaxColumns,
              [&] {
                return name() + " is " + std::to_string(b.rows) + " x " + std::to_string(b.columns) + " in rows of " +
                       std::to_string(b.stride);
              });
    c.require(b.stride <= max_stride(b.columns), [&] {
      return name() + " has rows of " + std::to_string(b.stride) + " for " + std::to_string(b.columns) + " columns";
    });
  }
  return c.take();
}

Status check_input(const Program& program) {
  Checker c(program, kNothingWritten, "the program");
  const InputGeometry& in = program.input;
  c.require(in.height >= 1 && in.height <= kMaxInputEdge && in.width >= 1 && in.width <= kMaxInputEdge &&
                in.resize_height >= 1 && in.resize_height <= 65535 && in.resize_width >= 1 &&
                in.resize_width <= 65535 && in.interpolation <= Interpolation::lanczos &&
                in.crop_mode <= CropMode::center_floor,
            "the input geometry is out of range");
  return c.take();
}

Status check_steps(const Program& program, ConstantFacts& facts) {
  if (program.steps.empty()) return {Code::corrupt_file, "the program: no steps"};
  const std::vector<BufferContents> contents = buffer_contents(program);
  for (std::size_t i = 0; i < program.steps.size(); ++i) {
    const Step& step = program.steps[i];
    const auto place = [&] {
      return "step " + std::to_string(i) + " (" + std::string(step.op->name()) + " '" + step.layer + "')";
    };
    Checker c(program, contents, place, &facts);
    step.op->check(c);
    for (const Operand& operand : step.op->operands()) {
      c.require(operand.buffer < program.buffers.size(), [&] { return std::string(operand.name) + " is no buffer"; });
    }
    if (!c.ok()) return c.take();
  }
  return {};
}

// Nothing is read before it is written.
Status check_flow(const Program& program) {
  Checker c(program, kNothingWritten, "the program");
  std::vector<bool> written(program.buffers.size(), false);
  const BufferId picture = program.buffer_of(PortKind::picture);
  written[picture] = true;
  for (const Step& step : program.steps) {
    const std::vector<Operand> operands = step.op->operands();
    for (const Operand& operand : operands) {
      if (!operand.reads()) continue;
      c.require(written[operand.buffer], [&] {
        return "'" + step.layer + "' " + (operand.writes() ? "adds to" : "reads") +
               " a buffer that nothing has written";
      });
    }
    for (const Operand& operand : operands) {
      if (!operand.writes()) continue;
      written[operand.buffer] = true;
      c.require(operand.buffer != picture, [&] { return "'" + step.layer + "' writes over the picture"; });
    }
  }
  return c.take();
}

}  // namespace

Status validate(const Program& program, std::uint64_t* constant_bytes_read) {
  ConstantFacts facts;
  for (const auto check : {check_buffers, check_input, check_ports}) {
    if (Status status = check(program); !status.ok()) return status;
  }
  if (Status status = check_steps(program, facts); !status.ok()) return status;
  if (constant_bytes_read != nullptr) *constant_bytes_read = facts.bytes_read();
  for (const auto check : {check_flow, check_outputs_are_written}) {
    if (Status status = check(program); !status.ok()) return status;
  }
  return {};
}

}  // namespace intvit
