#include "tests/engine/repair_checksums.h"

#include <algorithm>
#include <cstring>

#include "engine/format/checksum.h"

namespace intvit::test {
namespace {

// The number of section records that are really there.
std::size_t record_count(const std::vector<std::uint8_t>& file) {
  if (file.size() < sizeof(FileHeader)) return 0;
  FileHeader header;
  std::memcpy(&header, file.data(), sizeof header);
  return std::min<std::size_t>(header.section_count, (file.size() - sizeof header) / sizeof(SectionRecord));
}

SectionRecord read_record(const std::vector<std::uint8_t>& file, std::size_t i) {
  SectionRecord record;
  std::memcpy(&record, file.data() + sizeof(FileHeader) + i * sizeof record, sizeof record);
  return record;
}

bool lies_inside(const SectionRecord& record, std::size_t file_size) {
  return record.offset <= file_size && record.size <= file_size - record.offset;
}

}  // namespace

std::span<std::uint8_t> section_of(std::vector<std::uint8_t>& file, SectionId id) {
  for (std::size_t i = 0; i < record_count(file); ++i) {
    const SectionRecord record = read_record(file, i);
    if (record.id == static_cast<std::uint32_t>(id) && lies_inside(record, file.size())) {
      return {file.data() + record.offset, static_cast<std::size_t>(record.size)};
    }
  }
  return {};
}

SectionRecord& record_of(std::vector<std::uint8_t>& file, std::size_t i) {
  return reinterpret_cast<SectionRecord*>(file.data() + sizeof(FileHeader))[i];
}

void repair_checksums(std::vector<std::uint8_t>& file) {
  if (file.size() < sizeof(FileHeader)) return;
  const std::size_t count = std::min<std::size_t>(record_count(file), kMaxSections);
  for (std::size_t i = 0; i < count; ++i) {
    SectionRecord record = read_record(file, i);
    if (!lies_inside(record, file.size())) continue;
    record.checksum = checksum64({file.data() + record.offset, static_cast<std::size_t>(record.size)});
    std::memcpy(file.data() + sizeof(FileHeader) + i * sizeof record, &record, sizeof record);
  }
  FileHeader header;
  std::memcpy(&header, file.data(), sizeof header);
  header.file_size = file.size();
  header.section_table_checksum = checksum64({file.data() + sizeof header, count * sizeof(SectionRecord)});
  std::memcpy(file.data(), &header, sizeof header);
}

}  // namespace intvit::test
