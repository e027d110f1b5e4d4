// What is packed into an entry of a ZIP file. Memory is bounded by what the caller asks for, whatever a stream goes on
// to.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "converter/read/zip_directory.h"

namespace intvit {

// CRC-32 as ZIP has it.
std::uint32_t crc32_of(std::span<const std::uint8_t> bytes);
inline constexpr const char* kOtherChecksum = " has another checksum than the file says; it is damaged, get it again";

// The first `most` bytes of the content; fewer where it ends, or is damaged, before.
std::vector<std::byte> content_head(const ZipEntry& entry, std::size_t most);

// All of the content, as long as the directory says. What is wrong with it; empty when nothing is.
std::string unpack(const ZipEntry& entry, std::vector<std::byte>& content);

}  // namespace intvit
