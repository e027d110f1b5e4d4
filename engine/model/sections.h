// Where the sections of a model file lie.
#pragma once

#include <cstdint>
#include <span>

#include "engine/format/layout.h"
#include "intvit/status.h"

namespace intvit {

struct Sections {
  std::span<const std::uint8_t> metadata() const { return contents[0]; }
  std::span<const std::uint8_t> program() const { return contents[1]; }
  std::span<const std::uint8_t> data() const { return contents[2]; }

  std::span<const std::uint8_t> contents[kSectionCount];
  std::uint64_t data_checksum = 0;  // that the file promises
  std::uint64_t digest = 0;
  std::uint32_t op_set = 0;
};

// Whether find_sections() compares the checksum of the data, beside which everything else is small, or its caller does.
enum class DataChecksum { compared, left_to_caller };

// Checks header, section table and checksums. corrupt_file or unsupported.
Result<Sections> find_sections(std::span<const std::uint8_t> bytes, DataChecksum data);

}  // namespace intvit
