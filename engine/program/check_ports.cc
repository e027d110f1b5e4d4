#include "engine/program/check_ports.h"

#include <algorithm>

#include "engine/ops/checker.h"

namespace intvit {
namespace {

constexpr std::size_t kLongestName = 64;
constexpr std::int32_t kLeastExponent = -126, kLargestExponent = 127;

const std::vector<BufferContents> kNoContents;

// Tools make files with these names.
bool is_name(const std::string& name) {
  const auto letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); };
  const auto fits = [&](char c) { return letter(c) || (c >= '0' && c <= '9') || c == '_' || c == '-' || c == '.'; };
  return !name.empty() && name.size() <= kLongestName && letter(name.front()) &&
         std::all_of(name.begin(), name.end(), fits);
}

void check_rows(const ProgramPort& port, const Buffer& buffer, Checker& c) {
  c.require(port.rows >= 1 && port.first_row <= buffer.rows && port.rows <= buffer.rows - port.first_row,
            "rows " + std::to_string(port.first_row) + " to " +
                std::to_string(std::uint64_t{port.first_row} + port.rows) + " of " + std::to_string(buffer.rows));
  const bool is_map = port.grid_height != 0 || port.grid_width != 0;
  c.require(!is_map || std::uint64_t{port.grid_height} * port.grid_width == port.rows,
            "a grid of " + std::to_string(port.grid_height) + " x " + std::to_string(port.grid_width) + " for " +
                std::to_string(port.rows) + " rows");
  c.require(port.mantissa != 0, "its unit is 0");
  c.require(port.exponent >= kLeastExponent && port.exponent <= kLargestExponent,
            "exponent " + std::to_string(port.exponent) + ", must be " + std::to_string(kLeastExponent) + " to " +
                std::to_string(kLargestExponent));
}

void check_picture(const ProgramPort& port, const InputGeometry& in, const Tensors& tensors, Checker& c) {
  const Buffer* picture = c.buffer(port.buffer, DataType::u8, "the picture");
  if (!c.ok()) return;
  c.require(port.first_row == 0 && port.rows == picture->rows && picture->rows == in.height &&
                picture->columns == in.width * 3 && picture->stride == picture->columns,
            "the picture's buffer does not match the input geometry");
  for (const ProgramPort& other : tensors.ports) {
    c.require(&other == &port || other.buffer != port.buffer, "output '" + other.name + "' shows the picture");
  }
}

void check_output(const ProgramPort& port, const Buffer& buffer, Checker& c) {
  c.require(buffer.type != DataType::s8, "outputs are u8, s16 or s32");
  switch (port.kind) {
    case PortKind::logits:
      c.require(buffer.type == DataType::s32 && port.rows == 1, "logits must be one row of s32");
      c.require(port.mantissa == 1 && port.zero == 0 && port.exponent <= 0 && port.exponent >= -31,
                "the unit of logits must be 2^-31 to 1");
      break;
    case PortKind::embedding:
      c.require(port.rows == 1, "an embedding must be one row");
      break;
    case PortKind::features:
      c.require(port.grid_height != 0, "features must have a grid");
      break;
    default:
      break;
  }
}

std::size_t count_of(const Program& program, PortKind kind) {
  return static_cast<std::size_t>(
      std::count_if(program.ports.begin(), program.ports.end(), [&](const auto& port) { return port.kind == kind; }));
}

Status check_port(const Program& program, const ProgramPort& port) {
  Checker c(program, kNoContents, "port '" + port.name + "'");
  c.require(port.buffer < program.buffers.size(),
            "is buffer " + std::to_string(port.buffer) + " of " + std::to_string(program.buffers.size()));
  if (!c.ok()) return c.take();
  const Buffer& buffer = program.buffers[port.buffer];
  check_rows(port, buffer, c);
  if (port.kind == PortKind::picture) {
    check_picture(port, program.input, program, c);
  } else {
    check_output(port, buffer, c);
  }
  return c.take();
}

}  // namespace

Status check_ports(const Program& program) {
  Checker c(program, kNoContents, "the program");
  std::vector<std::string> names;
  for (const ProgramPort& port : program.ports) {
    c.require(is_name(port.name), "a port has no name of up to " + std::to_string(kLongestName) +
                                      " letters, digits, '_', '-' and '.' that begins with a letter");
    names.push_back(port.name);
  }
  std::sort(names.begin(), names.end());
  const auto twice = std::adjacent_find(names.begin(), names.end());
  c.require(twice == names.end(), "two ports are called '" + (twice == names.end() ? std::string() : *twice) + "'");
  const std::size_t pictures = count_of(program, PortKind::picture);
  c.require(pictures == 1, std::to_string(pictures) + " pictures, must be 1");
  c.require(program.ports.size() > pictures, "no output");
  c.require(count_of(program, PortKind::logits) <= 1, "logits twice");
  if (!c.ok()) return c.take();
  for (const ProgramPort& port : program.ports) {
    if (Status status = check_port(program, port); !status.ok()) return status;
  }
  return {};
}

Status check_outputs_are_written(const Program& program) {
  std::vector<bool> written(program.buffers.size(), false), in_planes(program.buffers.size(), false);
  for (const Step& step : program.steps) {
    for (const Operand& operand : step.op->operands()) {
      if (!operand.writes()) continue;
      written[operand.buffer] = true;
      if (operand.leaves.planes > 1) in_planes[operand.buffer] = true;
    }
  }
  for (const ProgramPort& port : program.ports) {
    if (port.kind == PortKind::picture) continue;
    Checker c(program, kNoContents, "port '" + port.name + "'");
    c.require(written[port.buffer], "nothing writes its buffer");
    c.require(!in_planes[port.buffer], "its numbers are in two planes");
    if (!c.ok()) return c.take();
  }
  return {};
}

}  // namespace intvit
