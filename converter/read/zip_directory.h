// The entries of a ZIP file (APPNOTE 6.3, ZIP64 included) that are stored as they are: what torch.save and numpy.savez
// write. Nothing is decompressed. The file may come from an enemy: every place is checked before it is read, and memory
// is bounded by the directory's size.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>

#include "intvit/status.h"

namespace intvit {

// By name; the bytes are those of the file. `file` is for messages. corrupt_file; unsupported for entries that are
// compressed or encrypted.
using ZipEntries = std::map<std::string, std::span<const std::uint8_t>, std::less<>>;
Result<ZipEntries> read_zip_directory(std::span<const std::uint8_t> bytes, const std::string& file);

// Whether a file begins as a ZIP file does.
bool is_zip(std::span<const std::uint8_t> bytes);

}  // namespace intvit
