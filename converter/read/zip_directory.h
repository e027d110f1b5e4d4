// The entries of a ZIP file (APPNOTE 6.3, ZIP64 included), stored or deflated: what torch.save and numpy.savez write.
// The file may come from an enemy: every place is checked before it is read, and memory is bounded by the directory's
// size.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>

#include "intvit/status.h"

namespace intvit {

struct ZipEntry {
  std::span<const std::uint8_t> packed;  // as it lies in the file; the content itself unless it is deflated
  std::uint64_t size = 0;                // of the content, not more than deflate can make of what is packed
  std::uint32_t crc = 0;                 // CRC-32 of the content; see zip_content.h for both
  bool deflated = false;
};

// By name. `file` is for messages. corrupt_file; unsupported for entries that are packed otherwise or encrypted.
using ZipEntries = std::map<std::string, ZipEntry, std::less<>>;
Result<ZipEntries> read_zip_directory(std::span<const std::uint8_t> bytes, const std::string& file);

// Whether a file begins as a ZIP file does.
bool is_zip(std::span<const std::uint8_t> bytes);

}  // namespace intvit
