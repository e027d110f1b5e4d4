// The bytes of a model file that are not the model itself; docs/format.md describes all of it.
#pragma once

#include <array>
#include <cstdint>

namespace intvit {

inline constexpr std::array<std::uint8_t, 8> kMagic = {'I', 'N', 'T', 'V', 'I', 'T', 0x1a, '\n'};

// Container: how sections are found. A reader takes its own major version and any minor one.
inline constexpr std::uint16_t kContainerMajor = 1;
inline constexpr std::uint16_t kContainerMinor = 0;
// Op set: how the program is written and what it means, to the last rounding. A reader takes these; what was appended
// since is refused by its name (docs/format.md). 4 is written like 3.
inline constexpr std::uint32_t kOldestOpSet = 2;
inline constexpr std::uint32_t kOpSet = 4;

inline constexpr std::size_t kSectionAlignment = 64;

enum class SectionId : std::uint32_t { metadata = 1, program = 2, data = 3 };
inline constexpr std::uint32_t kSectionCount = 3;

struct FileHeader {
  std::array<std::uint8_t, 8> magic;
  std::uint16_t container_major;
  std::uint16_t container_minor;
  std::uint32_t op_set;
  std::uint64_t file_size;
  std::uint32_t section_count;
  std::uint32_t reserved0;
  std::uint64_t section_table_checksum;
  std::array<std::uint8_t, 24> reserved;
};
static_assert(sizeof(FileHeader) == 64);

struct SectionRecord {
  std::uint32_t id;
  std::uint32_t reserved;
  std::uint64_t offset;  // from the start of the file, a multiple of kSectionAlignment
  std::uint64_t size;
  std::uint64_t checksum;
};
static_assert(sizeof(SectionRecord) == 32);

// Limits that the reader enforces before it believes anything.
inline constexpr std::uint32_t kMaxSections = 64;
inline constexpr std::uint64_t kMaxMetadataBytes = 16u << 20;
inline constexpr std::uint64_t kMaxProgramBytes = 64u << 20;
inline constexpr std::uint32_t kMaxBuffers = 4096;
inline constexpr std::uint32_t kMaxConstants = 1u << 17;
inline constexpr std::uint32_t kMaxPorts = 64;
inline constexpr std::uint32_t kMaxSteps = 1u << 15;
inline constexpr std::uint32_t kMaxNameBytes = 255;

}  // namespace intvit
