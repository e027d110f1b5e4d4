#include "engine/format/program_codec.h"

#include "engine/format/byte_stream.h"
#include "engine/format/layout.h"
#include "engine/ops/registry.h"

namespace intvit {
namespace {

template <typename V>
void visit_geometry(InputGeometry& g, V& v) {
  v(g.height), v(g.width), v(g.resize_height), v(g.resize_width), v(g.interpolation), v(g.crop_mode);
}

Status damaged(const std::string& what, const ByteReader& reader) {
  return {Code::corrupt_file,
          "the program section is damaged: " + what + " near byte " + std::to_string(reader.position())};
}

// Fields of operations to and from 32-bit words.
class FieldWriter final : public FieldVisitor {
 public:
  explicit FieldWriter(ByteWriter& writer) : writer_(writer) {}
  void word(std::uint32_t& field) override { writer_.u32(field); }

 private:
  ByteWriter& writer_;
};

class FieldReader final : public FieldVisitor {
 public:
  explicit FieldReader(ByteReader& reader) : reader_(reader) {}
  void word(std::uint32_t& field) override { field = reader_.u32(); }

 private:
  ByteReader& reader_;
};

}  // namespace

std::vector<std::uint8_t> encode_program(const Program& program, std::span<const std::uint64_t> offsets) {
  ByteWriter writer;
  InputGeometry geometry = program.input;
  visit_geometry(geometry, writer);
  writer.u32(program.picture);
  writer.u32(program.logits);
  writer.u32(program.logit_fraction_bits);
  writer.u64(program.arena_bytes);
  writer.u32(static_cast<std::uint32_t>(program.buffers.size()));
  for (const Buffer& buffer : program.buffers) {
    writer(buffer.type);
    writer.u32(buffer.rows);
    writer.u32(buffer.columns);
    writer.u32(buffer.stride);
    writer.u64(buffer.offset);
  }
  writer.u32(static_cast<std::uint32_t>(program.constants.size()));
  for (std::size_t i = 0; i < program.constants.size(); ++i) {
    const Constant& constant = program.constants[i];
    writer.string(constant.name);
    writer(constant.type);
    writer.u64(offsets[i]);
    writer.u64(constant.bytes.size());
  }
  writer.u32(static_cast<std::uint32_t>(program.steps.size()));
  FieldWriter fields(writer);
  for (const Step& step : program.steps) {
    writer.string(step.layer);
    writer.u32(step.op->op_kind());
    Op(step.op)->for_each_field(fields);
  }
  return writer.take();
}

Result<Program> decode_program(std::span<const std::uint8_t> bytes, std::span<const std::uint8_t> data) {
  ByteReader reader(bytes);
  Program program;
  visit_geometry(program.input, reader);
  program.picture = reader.u32();
  program.logits = reader.u32();
  program.logit_fraction_bits = reader.u32();
  program.arena_bytes = reader.u64();

  const std::uint32_t buffers = reader.u32();
  if (buffers > kMaxBuffers) return damaged(std::to_string(buffers) + " buffers", reader);
  for (std::uint32_t i = 0; i < buffers && !reader.failed(); ++i) {
    Buffer buffer;
    reader(buffer.type);
    buffer.rows = reader.u32();
    buffer.columns = reader.u32();
    buffer.stride = reader.u32();
    buffer.offset = reader.u64();
    program.buffers.push_back(buffer);
  }

  const std::uint32_t constants = reader.u32();
  if (constants > kMaxConstants) return damaged(std::to_string(constants) + " constants", reader);
  for (std::uint32_t i = 0; i < constants && !reader.failed(); ++i) {
    Constant constant;
    constant.name = reader.string(kMaxNameBytes);
    reader(constant.type);
    const std::uint64_t offset = reader.u64();
    const std::uint64_t size = reader.u64();
    if (reader.failed()) break;
    if (constant.type > DataType::s32) return damaged("constant '" + constant.name + "' has an unknown type", reader);
    if (offset > data.size() || size > data.size() - offset || offset % kSectionAlignment != 0 ||
        size % byte_size(constant.type) != 0) {
      return damaged("constant '" + constant.name + "' (" + std::to_string(size) + " bytes at " +
                         std::to_string(offset) + ") does not lie in the data section of " +
                         std::to_string(data.size()) + " bytes",
                     reader);
    }
    constant.bytes = data.subspan(offset, size);
    program.constants.push_back(std::move(constant));
  }

  const std::uint32_t steps = reader.u32();
  if (steps > kMaxSteps) return damaged(std::to_string(steps) + " steps", reader);
  FieldReader fields(reader);
  for (std::uint32_t i = 0; i < steps; ++i) {
    std::string layer = reader.string(kMaxNameBytes);
    const std::uint32_t kind = reader.u32();
    if (reader.failed()) break;
    std::unique_ptr<Operation> operation = make_operation(kind);
    if (operation == nullptr) {
      return damaged("step " + std::to_string(i) + " ('" + layer + "') has unknown operation " + std::to_string(kind),
                     reader);
    }
    operation->for_each_field(fields);
    program.steps.push_back({std::move(layer), Op(std::move(operation))});
  }
  if (reader.failed()) return damaged("it ends too early", reader);
  if (!reader.at_end()) return damaged("bytes after its end", reader);
  return program;
}

}  // namespace intvit
