#include "tests/engine/encode_op_set_2.h"

#include <cstdint>
#include <cstring>
#include <iterator>
#include <numeric>

#include "engine/format/byte_stream.h"
#include "engine/format/checksum.h"
#include "engine/format/layout.h"
#include "engine/program/memory_plan.h"

namespace intvit::test {
namespace {

using Bytes = std::vector<std::uint8_t>;

// Of operations 0 (none), 1, 2, ...; what has been appended since is not in these files.
constexpr std::size_t kFieldsOf[] = {0, 16, 9, 20, 13, 4, 15};

class FieldWriter final : public FieldVisitor {
 public:
  // Of an operation of this kind; all fields of one that the op set does not have.
  FieldWriter(ByteWriter& writer, std::uint32_t kind)
      : writer_(writer), left_(kind < std::size(kFieldsOf) ? kFieldsOf[kind] : SIZE_MAX) {}
  void word(std::uint32_t& field) override {
    if (left_ == 0) return;
    writer_.u32(field);
    --left_;
  }

 private:
  ByteWriter& writer_;
  std::size_t left_;
};

void append_section(SectionId id, const Bytes& contents, SectionRecord& record, Bytes& file) {
  file.resize((file.size() + kSectionAlignment - 1) / kSectionAlignment * kSectionAlignment);
  record = {static_cast<std::uint32_t>(id), 0, file.size(), contents.size(), checksum64(contents)};
  file.insert(file.end(), contents.begin(), contents.end());
}

}  // namespace

// These files have a memory plan, of all buffers in one arena.
Bytes encode_program_op_set_2(const Program& original, const std::vector<std::uint64_t>& offsets) {
  Program program = original;
  std::vector<BufferId> all(program.buffers.size());
  std::iota(all.begin(), all.end(), 0u);
  program.arena_bytes = place(all, lifetimes(program), program);

  ByteWriter writer;
  const InputGeometry& g = program.input;
  writer(g.height), writer(g.width), writer(g.resize_height), writer(g.resize_width);
  writer(g.interpolation), writer(g.crop_mode);
  writer.u32(program.buffer_of(PortKind::picture));
  writer.u32(program.buffer_of(PortKind::logits));
  const ProgramPort* logits = program.port(PortKind::logits);
  writer.u32(logits == nullptr ? 16 : 0u - static_cast<std::uint32_t>(logits->exponent));
  writer.u64(program.arena_bytes);
  writer.u32(static_cast<std::uint32_t>(program.buffers.size()));
  for (const Buffer& b : program.buffers) {
    writer(b.type), writer(b.rows), writer(b.columns), writer(b.stride), writer.u64(b.offset);
  }
  writer.u32(static_cast<std::uint32_t>(program.constants.size()));
  for (std::size_t i = 0; i < program.constants.size(); ++i) {
    writer.string(program.constants[i].name);
    writer(program.constants[i].type);
    writer.u64(offsets[i]);
    writer.u64(program.constants[i].bytes.size());
  }
  writer.u32(static_cast<std::uint32_t>(program.steps.size()));
  for (const Step& step : program.steps) {
    writer.string(step.layer);
    writer.u32(step.op->op_kind());
    FieldWriter fields(writer, step.op->op_kind());
    Op(step.op)->for_each_field(fields);
  }
  return writer.take();
}

Bytes encode_op_set_2(const Program& program, const Metadata& metadata) {
  std::vector<std::uint64_t> offsets;
  Bytes data;
  for (const Constant& constant : program.constants) {
    data.resize((data.size() + kSectionAlignment - 1) / kSectionAlignment * kSectionAlignment);
    offsets.push_back(data.size());
    data.insert(data.end(), constant.bytes.begin(), constant.bytes.end());
  }
  SectionRecord table[kSectionCount];
  Bytes file(sizeof(FileHeader) + sizeof table);
  append_section(SectionId::program, encode_program_op_set_2(program, offsets), table[0], file);
  append_section(SectionId::data, data, table[1], file);
  append_section(SectionId::metadata, encode_metadata(metadata), table[2], file);
  FileHeader header{};
  header.magic = kMagic;
  header.container_major = kContainerMajor;
  header.container_minor = kContainerMinor;
  header.op_set = 2;
  header.file_size = file.size();
  header.section_count = kSectionCount;
  header.section_table_checksum = checksum64({reinterpret_cast<const std::uint8_t*>(table), sizeof table});
  std::memcpy(file.data(), &header, sizeof header);
  std::memcpy(file.data() + sizeof header, table, sizeof table);
  return file;
}

}  // namespace intvit::test
