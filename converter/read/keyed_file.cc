#include "converter/read/keyed_file.h"

#include <algorithm>
#include <filesystem>
#include <limits>

#include "converter/read/message.h"
#include "engine/format/byte_stream.h"
#include "engine/format/checksum.h"
#include "engine/format/mapped_file.h"
#include "engine/format/writer.h"

namespace intvit {
namespace {

constexpr std::size_t kLongestText = 200, kAnyLength = std::numeric_limits<std::uint32_t>::max();
constexpr std::uint32_t kMostKeyParts = 16;

std::string first_words(const std::string& what) { return "intvit " + what + " 1"; }

// What the first part that differs is called; empty if none does.
std::string difference(const FileKey& own, const FileKey& other) {
  const auto found = std::ranges::mismatch(own, other);
  if (found.in1 != own.end()) return found.in1->first;
  return found.in2 == other.end() ? "" : "version";
}

// Whether there is a file that is not empty.
bool has_content(const std::string& path) {
  std::error_code error;
  return std::filesystem::exists(path, error) && !std::filesystem::is_empty(path, error);
}

// corrupt_file for a file that is damaged or of another kind; the errors of MappedFile.
Result<KeyedFile> read_keyed_file(const std::string& path, const std::string& what) {
  const Result<MappedFile> mapped = MappedFile::open(path);
  if (!mapped.ok()) return mapped.status();
  const std::span<const std::uint8_t> all = mapped.value().bytes();
  if (all.size() < sizeof(std::uint64_t)) return damaged_file(path, what);
  const std::span<const std::uint8_t> content = all.first(all.size() - sizeof(std::uint64_t));
  ByteReader bytes(content), end(all.last(sizeof(std::uint64_t)));
  if (bytes.string(kLongestText) != first_words(what) || end.u64() != checksum64(content)) {
    return damaged_file(path, what);
  }
  KeyedFile file;
  file.key.resize(std::min(bytes.u32(), kMostKeyParts));
  for (auto& [name, value] : file.key) name = bytes.string(kLongestText), value = bytes.string(kLongestText);
  for (std::uint32_t left = bytes.u32(); left > 0 && !bytes.failed(); --left) {
    const std::uint32_t number = bytes.u32();
    file.entries[number] = bytes.string(kAnyLength);
  }
  if (bytes.failed() || !bytes.at_end()) return damaged_file(path, what);
  return file;
}

}  // namespace

Status damaged_file(const std::string& path, const std::string& what) {
  return {Code::corrupt_file,
          in_quotes(path) + " is no " + what + " of this version, or is damaged; remove it or give another name"};
}

Result<OpenedFile> open_keyed_file(const std::string& path, const std::string& what, FileKey key) {
  OpenedFile opened{{}, has_content(path), {}};
  if (opened.there) {
    Result<KeyedFile> file = read_keyed_file(path, what);
    if (!file.ok()) return file.status();
    opened.other = difference(key, file.value().key);
    if (opened.other.empty()) opened.file = file.take();
  }
  opened.file.key = std::move(key);
  return opened;
}

Status write_keyed_file(const std::string& path, const std::string& what, const KeyedFile& file) {
  ByteWriter bytes;
  bytes.string(first_words(what));
  bytes.u32(static_cast<std::uint32_t>(file.key.size()));
  for (const auto& [name, value] : file.key) bytes.string(name), bytes.string(value);
  const auto fits = [](const auto& entry) { return entry.second.size() < kAnyLength; };
  bytes.u32(static_cast<std::uint32_t>(std::ranges::count_if(file.entries, fits)));
  for (const auto& entry : file.entries) {
    if (!fits(entry)) continue;
    bytes.u32(entry.first);
    bytes.string(entry.second);
  }
  std::vector<std::uint8_t> content = bytes.take();
  ByteWriter end;
  end.u64(checksum64(content));
  for (const std::uint8_t byte : end.take()) content.push_back(byte);
  return write_file_atomically(path, content);
}

}  // namespace intvit
