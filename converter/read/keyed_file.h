// Files that this program keeps for itself between two runs. They say what they are of, and are replaced as a whole;
// they may come from an enemy.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "intvit/status.h"

namespace intvit {

// What a file is of, by what messages call it: {"checkpoint", "0123456789abcdef"}. At most 16 parts.
using FileKey = std::vector<std::pair<std::string, std::string>>;

struct KeyedFile {
  FileKey key;
  std::map<std::uint32_t, std::string> entries;  // of bytes
};

struct OpenedFile {
  KeyedFile file;     // with the key that was asked for; no entries if there is none, or if it is of another
  bool there;         // whether there is one that is not empty
  std::string other;  // what the first part of its key that differs is called; empty if none does
};

// `what` is the kind of file: its first words, and what messages call it ("calibration cache"). corrupt_file for a file
// that is damaged or of another kind; the errors of MappedFile.
Result<OpenedFile> open_keyed_file(const std::string& path, const std::string& what, FileKey key);

// Entries of 4 GiB or more are left out. The errors of write_file_atomically().
Status write_keyed_file(const std::string& path, const std::string& what, const KeyedFile& file);

// The error for a file whose checksum is right and whose entries are not.
Status damaged_file(const std::string& path, const std::string& what);

}  // namespace intvit
