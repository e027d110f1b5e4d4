#include "engine/model/sections.h"

#include <cstring>
#include <string>

#include "engine/format/checksum.h"
#include "engine/format/codec_parts.h"

namespace intvit {

Result<Sections> find_sections(std::span<const std::uint8_t> bytes, DataChecksum data) {
  FileHeader header;
  if (bytes.size() < kMagic.size() || std::memcmp(bytes.data(), kMagic.data(), kMagic.size()) != 0) {
    return corrupt("not an intvit model (its first bytes are not INTVIT)");
  }
  if (bytes.size() < sizeof header) return corrupt("truncated: " + std::to_string(bytes.size()) + " bytes");
  std::memcpy(&header, bytes.data(), sizeof header);
  if (header.container_major != kContainerMajor) {
    return Status(Code::unsupported, "container version " + std::to_string(header.container_major) +
                                         ", this build reads version " + std::to_string(kContainerMajor) +
                                         "; convert the checkpoint again or use the matching release");
  }
  if (header.op_set > kOpSet) {
    return newer("op set " + std::to_string(header.op_set) + ", this build runs op sets " +
                 std::to_string(kOldestOpSet) + " to " + std::to_string(kOpSet));
  }
  if (header.op_set < kOldestOpSet) {
    return Status(Code::unsupported, "op set " + std::to_string(header.op_set) + ", this build runs op sets " +
                                         std::to_string(kOldestOpSet) + " to " + std::to_string(kOpSet) +
                                         "; convert the checkpoint again");
  }
  if (header.file_size != bytes.size()) {
    return corrupt("it should have " + std::to_string(header.file_size) + " bytes but has " +
                   std::to_string(bytes.size()) + "; copy or convert it again");
  }
  const std::uint64_t table_bytes = std::uint64_t{header.section_count} * sizeof(SectionRecord);
  if (header.section_count < 1 || header.section_count > kMaxSections || table_bytes > bytes.size() - sizeof header) {
    return corrupt(std::to_string(header.section_count) + " sections");
  }
  const auto table = bytes.subspan(sizeof header, table_bytes);
  if (checksum64(table) != header.section_table_checksum) return corrupt("the section table's checksum is wrong");

  Sections sections;
  sections.digest = header.section_table_checksum;
  sections.op_set = header.op_set;
  bool found[kSectionCount] = {};
  std::uint64_t end_of_last = sizeof header + table_bytes;
  for (std::uint32_t i = 0; i < header.section_count; ++i) {
    SectionRecord record;
    std::memcpy(&record, table.data() + i * sizeof record, sizeof record);
    if (record.offset % kSectionAlignment != 0 || record.offset < end_of_last || record.offset > bytes.size() ||
        record.size > bytes.size() - record.offset) {
      return corrupt("section " + std::to_string(record.id) + " lies outside the file or over another one");
    }
    end_of_last = record.offset + record.size;
    if (record.id < 1 || record.id > kSectionCount) continue;  // of a newer minor version
    const auto contents = bytes.subspan(record.offset, record.size);
    const bool is_data = record.id == static_cast<std::uint32_t>(SectionId::data);
    if (is_data) sections.data_checksum = record.checksum;
    if ((!is_data || data == DataChecksum::compared) && checksum64(contents) != record.checksum) {
      return corrupt("section " + std::to_string(record.id) +
                     " is damaged (its checksum is wrong); copy or convert it again");
    }
    if (found[record.id - 1]) return corrupt("section " + std::to_string(record.id) + " appears twice");
    found[record.id - 1] = true;
    sections.contents[record.id - 1] = contents;
  }
  for (std::uint32_t i = 0; i < kSectionCount; ++i) {
    if (!found[i]) return corrupt("section " + std::to_string(i + 1) + " is missing");
  }
  if (sections.metadata().size() > kMaxMetadataBytes || sections.program().size() > kMaxProgramBytes) {
    return corrupt("the metadata or program section is too large");
  }
  return sections;
}

}  // namespace intvit
