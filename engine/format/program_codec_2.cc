#include "engine/format/program_codec_2.h"

#include <iterator>

#include "engine/format/codec_parts.h"
#include "engine/format/layout.h"
#include "engine/format/records.h"
#include "engine/ops/registry.h"

namespace intvit {
namespace {

// Of operations 0 (none), 1, 2, ...: what has been appended since is not in these files.
constexpr std::uint32_t kFieldsOf[] = {0, 16, 9, 20, 13, 4, 15};

void read_head(ByteReader& reader, Program& program) {
  InputGeometry& g = program.input;
  reader(g.height), reader(g.width), reader(g.resize_height), reader(g.resize_width);
  reader(g.interpolation), reader(g.crop_mode);
  ProgramPort picture, logits;
  picture.name = "picture";
  picture.kind = PortKind::picture;
  reader(picture.buffer);
  logits.name = "logits";
  logits.kind = PortKind::logits;
  reader(logits.buffer);
  logits.exponent = static_cast<std::int32_t>(0u - reader.u32());
  reader.u64();  // bytes of the arena
  program.ports = {picture, logits};
}

void read_buffers(ByteReader& reader, std::uint32_t count, Program& program) {
  for (std::uint32_t i = 0; i < count && !reader.failed(); ++i) {
    Buffer buffer;
    reader(buffer.type), reader(buffer.rows), reader(buffer.columns), reader(buffer.stride);
    reader.u64();  // place in the arena
    program.buffers.push_back(buffer);
  }
  for (ProgramPort& port : program.ports) port.rows = program.rows_of(port.buffer);
}

std::vector<ConstantPlace> read_constants(ByteReader& reader, std::uint32_t count, Program& program) {
  std::vector<ConstantPlace> places;
  for (std::uint32_t i = 0; i < count && !reader.failed(); ++i) {
    Constant constant;
    constant.name = reader.string(kMaxNameBytes);
    reader(constant.type);
    ConstantPlace place;
    place.offset = reader.u64();
    place.bytes = reader.u64();
    program.constants.push_back(std::move(constant));
    places.push_back(place);
  }
  return places;
}

}  // namespace

Result<Program> decode_program_2(std::span<const std::uint8_t> bytes, std::span<const std::uint8_t> data) {
  ByteReader reader(bytes);
  Program program;
  read_head(reader, program);
  const std::uint32_t buffers = reader.u32();
  if (buffers > kMaxBuffers) return damaged(std::to_string(buffers) + " buffers", reader);
  read_buffers(reader, buffers, program);
  const std::uint32_t constants = reader.u32();
  if (constants > kMaxConstants) return damaged(std::to_string(constants) + " constants", reader);
  const std::vector<ConstantPlace> places = read_constants(reader, constants, program);
  if (reader.failed()) return damaged("it ends too early", reader);
  if (Status status = set_bytes(places, data, program.constants); !status.ok()) return status;

  const std::uint32_t steps = reader.u32();
  if (steps > kMaxSteps) return damaged(std::to_string(steps) + " steps", reader);
  for (std::uint32_t i = 0; i < steps; ++i) {
    std::string layer = reader.string(kMaxNameBytes);
    const std::uint32_t kind = reader.u32();
    if (reader.failed()) break;
    std::unique_ptr<Operation> operation = kind < std::size(kFieldsOf) ? make_operation(kind) : nullptr;
    if (operation == nullptr) {
      return damaged("step " + std::to_string(i) + " ('" + layer + "') has unknown operation " + std::to_string(kind),
                     reader);
    }
    FieldReader fields(reader, kFieldsOf[kind]);
    operation->for_each_field(fields);
    program.steps.push_back({std::move(layer), Op(std::move(operation))});
  }
  if (reader.failed()) return damaged("it ends too early", reader);
  if (!reader.at_end()) return damaged("bytes after its end", reader);
  return program;
}

}  // namespace intvit
