#include "engine/format/writer.h"

#include <array>
#include <cstring>

#include "engine/format/checksum.h"
#include "engine/format/layout.h"
#include "engine/format/program_codec.h"

namespace intvit {
namespace {

std::uint64_t align(std::uint64_t offset) {
  return (offset + kSectionAlignment - 1) / kSectionAlignment * kSectionAlignment;
}

// Figures about a program are metadata, so the metadata come last, where they can be set without encoding all again.
using SectionTable = std::array<SectionRecord, kSectionCount>;
constexpr std::size_t kFrontBytes = sizeof(FileHeader) + sizeof(SectionTable);

void append_section(SectionId id, const std::vector<std::uint8_t>& contents, SectionRecord& record,
                    std::vector<std::uint8_t>& file) {
  file.resize(align(file.size()));
  record = {static_cast<std::uint32_t>(id), 0, file.size(), contents.size(), checksum64(contents)};
  file.insert(file.end(), contents.begin(), contents.end());
}

// Header and section table of a file that has its sections.
void write_front(std::uint32_t op_set, const SectionTable& table, std::vector<std::uint8_t>& file) {
  FileHeader header{};
  header.magic = kMagic;
  header.container_major = kContainerMajor;
  header.container_minor = kContainerMinor;
  header.op_set = op_set;
  header.file_size = file.size();
  header.section_count = kSectionCount;
  header.section_table_checksum = checksum64({reinterpret_cast<const std::uint8_t*>(table.data()), sizeof table});
  std::memcpy(file.data(), &header, sizeof header);
  std::memcpy(file.data() + sizeof header, table.data(), sizeof table);
}

}  // namespace

std::vector<std::uint8_t> encode_model(const Program& program, const Metadata& metadata) {
  std::vector<std::uint64_t> offsets;
  std::vector<std::uint8_t> data;
  for (const Constant& constant : program.constants) {
    data.resize(align(data.size()));
    offsets.push_back(data.size());
    data.insert(data.end(), constant.bytes.begin(), constant.bytes.end());
  }
  std::vector<std::uint8_t> file(kFrontBytes);
  SectionTable table{};
  append_section(SectionId::program, encode_program(program, offsets), table[0], file);
  append_section(SectionId::data, data, table[1], file);
  append_section(SectionId::metadata, encode_metadata(metadata), table[2], file);
  write_front(needed_op_set(program), table, file);
  return file;
}

void set_metadata(const Metadata& metadata, std::vector<std::uint8_t>& file) {
  FileHeader header;
  std::memcpy(&header, file.data(), sizeof header);
  SectionTable table;
  std::memcpy(table.data(), file.data() + sizeof(FileHeader), sizeof table);
  file.resize(table[2].offset);
  append_section(SectionId::metadata, encode_metadata(metadata), table[2], file);
  write_front(header.op_set, table, file);
}

}  // namespace intvit
