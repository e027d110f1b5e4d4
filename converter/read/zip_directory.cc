#include "converter/read/zip_directory.h"

#include <algorithm>
#include <optional>

#include "converter/read/message.h"

namespace intvit {
namespace {

using Bytes = std::span<const std::uint8_t>;

constexpr std::uint64_t kMostEntries = 1u << 18;
constexpr std::size_t kLongestEntryName = 2048, kEndBytes = 22, kLocatorBytes = 20, kEnd64Bytes = 56;
constexpr std::size_t kEntryBytes = 46, kLocalBytes = 30, kLongestComment = 65535;
constexpr std::uint32_t kEnd = 0x06054b50, kLocator = 0x07064b50, kEnd64 = 0x06064b50, kEntry = 0x02014b50,
                        kLocal = 0x04034b50, kFull = 0xffffffff;
constexpr std::uint64_t kStored = 0, kDeflated = 8;
constexpr std::uint64_t kMostDeflated = 1032;  // bytes of content for one; no stream of deflate has more

// Little-endian; the place must be within the bytes.
std::uint64_t number(Bytes bytes, std::size_t at, std::size_t width) {
  std::uint64_t value = 0;
  for (std::size_t i = width; i > 0; --i) value = value << 8 | bytes[at + i - 1];
  return value;
}

bool has(Bytes bytes, std::uint64_t at, std::uint64_t count) {
  return at <= bytes.size() && count <= bytes.size() - at;
}

struct Directory {
  std::uint64_t entries = 0, begin = 0, size = 0;
};

std::optional<std::size_t> find_end(Bytes bytes) {
  if (bytes.size() < kEndBytes) return std::nullopt;
  const std::size_t last = bytes.size() - kEndBytes, first = last > kLongestComment ? last - kLongestComment : 0;
  for (std::size_t at = last + 1; at-- > first;) {
    if (number(bytes, at, 4) == kEnd && at + kEndBytes + number(bytes, at + 20, 2) == bytes.size()) return at;
  }
  return std::nullopt;
}

std::optional<Directory> find_directory(Bytes bytes) {
  const std::optional<std::size_t> end = find_end(bytes);
  if (!end) return std::nullopt;
  Directory directory{number(bytes, *end + 10, 2), number(bytes, *end + 16, 4), number(bytes, *end + 12, 4)};
  // torch.save writes the 64-bit end always.
  if (*end >= kLocatorBytes && number(bytes, *end - kLocatorBytes, 4) == kLocator) {
    const std::uint64_t at = number(bytes, *end - kLocatorBytes + 8, 8);
    if (!has(bytes, at, kEnd64Bytes) || number(bytes, at, 4) != kEnd64) return std::nullopt;
    directory = {number(bytes, at + 32, 8), number(bytes, at + 48, 8), number(bytes, at + 40, 8)};
  }
  if (!has(bytes, directory.begin, directory.size)) return std::nullopt;
  return directory;
}

struct DirectoryEntry {
  std::string name;
  std::uint64_t method = 0, flags = 0, crc = 0, packed = 0, size = 0, local = 0;
};

// Sizes and places of more than 32 bits lie in an extra field, in this order, as far as they are needed.
bool read_extra(Bytes extra, DirectoryEntry& entry) {
  for (std::size_t at = 0; has(extra, at, 4);) {
    const std::uint64_t id = number(extra, at, 2), length = number(extra, at + 2, 2);
    at += 4;
    if (!has(extra, at, length)) return false;
    if (id == 1) {
      std::size_t place = at;
      for (std::uint64_t* value : {&entry.size, &entry.packed, &entry.local}) {
        if (*value != kFull) continue;
        if (place + 8 > at + length) return false;
        *value = number(extra, place, 8);
        place += 8;
      }
    }
    at += length;
  }
  return true;
}

// The entry at `at`, which is moved behind it.
std::optional<DirectoryEntry> take_entry(Bytes directory, std::size_t& at) {
  if (!has(directory, at, kEntryBytes) || number(directory, at, 4) != kEntry) return std::nullopt;
  DirectoryEntry entry;
  entry.flags = number(directory, at + 8, 2);
  entry.method = number(directory, at + 10, 2);
  entry.crc = number(directory, at + 16, 4);
  entry.packed = number(directory, at + 20, 4);
  entry.size = number(directory, at + 24, 4);
  entry.local = number(directory, at + 42, 4);
  const std::size_t name = number(directory, at + 28, 2), extra = number(directory, at + 30, 2),
                    comment = number(directory, at + 32, 2);
  if (name > kLongestEntryName || !has(directory, at + kEntryBytes, name + extra + comment)) return std::nullopt;
  entry.name.assign(reinterpret_cast<const char*>(directory.data()) + at + kEntryBytes, name);
  if (!read_extra(directory.subspan(at + kEntryBytes + name, extra), entry)) return std::nullopt;
  at += kEntryBytes + name + extra + comment;
  return entry;
}

// What is stored, behind a header of its own.
std::optional<Bytes> packed_bytes(Bytes bytes, const DirectoryEntry& entry) {
  if (!has(bytes, entry.local, kLocalBytes) || number(bytes, entry.local, 4) != kLocal) return std::nullopt;
  const std::uint64_t begin =
      entry.local + kLocalBytes + number(bytes, entry.local + 26, 2) + number(bytes, entry.local + 28, 2);
  if (!has(bytes, begin, entry.packed)) return std::nullopt;
  return bytes.subspan(begin, entry.packed);
}

}  // namespace

bool is_zip(Bytes bytes) { return bytes.size() >= 4 && number(bytes, 0, 4) == kLocal; }

Result<ZipEntries> read_zip_directory(Bytes bytes, const std::string& file) {
  const auto corrupt = [&](const std::string& what) {
    return Status(Code::corrupt_file,
                  "cannot read " + in_quotes(file) + ": " + what + "; the file is truncated or damaged, get it again");
  };
  const std::optional<Directory> directory = find_directory(bytes);
  if (!directory) return corrupt("it has no ZIP directory at its end");
  if (directory->entries > kMostEntries) {
    return corrupt("its ZIP directory claims " + std::to_string(directory->entries) + " entries, " +
                   std::to_string(kMostEntries) + " are allowed");
  }
  const Bytes list = bytes.subspan(directory->begin, directory->size);
  ZipEntries entries;
  std::size_t at = 0;
  std::uint64_t total = 0;
  for (std::uint64_t i = 0; i < directory->entries; ++i) {
    const std::optional<DirectoryEntry> entry = take_entry(list, at);
    if (!entry) return corrupt("entry " + std::to_string(i + 1) + " of its ZIP directory is wrong");
    const bool deflated = entry->method == kDeflated;
    if ((!deflated && entry->method != kStored) || (entry->flags & 1) != 0) {
      return Status(Code::unsupported, "cannot read " + in_quotes(file) + ": its entry " + in_quotes(entry->name) +
                                           " is encrypted or compressed by another method than deflate; save it with "
                                           "torch.save, numpy.savez or numpy.savez_compressed");
    }
    const std::optional<Bytes> packed = packed_bytes(bytes, *entry);
    if (!packed) return corrupt("its entry " + in_quotes(entry->name) + " lies outside of the file");
    if (deflated ? entry->size / kMostDeflated > packed->size() : entry->size != packed->size()) {
      return corrupt("its entry " + in_quotes(entry->name) + " claims " + std::to_string(entry->size) +
                     " bytes, packed " + std::to_string(packed->size()));
    }
    // Else one of them could stand for thousands, each of which takes time.
    total += packed->size();
    if (total > bytes.size()) return corrupt("its entries overlap");
    const ZipEntry found{*packed, entry->size, static_cast<std::uint32_t>(entry->crc), deflated};
    if (!entries.emplace(entry->name, found).second) return corrupt(in_quotes(entry->name) + " is there twice");
  }
  return entries;
}

}  // namespace intvit
