#include "tools/vitrun/embedding_cache.h"

#include <sys/stat.h>
#include <unistd.h>

#include <bit>
#include <cerrno>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <span>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "engine/format/checksum.h"
#include "engine/format/writer.h"
#include "tools/common/cli/open_error.h"

namespace intvit {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kMagic = "INTVITEC";
constexpr std::uint32_t kVersion = 1;

std::span<const std::uint8_t> as_bytes(std::string_view text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

void append(std::uint64_t value, int bytes, std::string& out) {
  for (int i = 0; i < bytes; ++i) out += static_cast<char>(value >> (8 * i));
}

// Takes numbers off the front; what is not there is 0, and `ok` is false from then on.
struct Reader {
  std::string_view rest;
  bool ok = true;

  std::string_view take(std::size_t count) {
    ok = ok && count <= rest.size();
    if (!ok) return {};
    const std::string_view taken = rest.substr(0, count);
    rest.remove_prefix(count);
    return taken;
  }
  std::uint64_t number(std::size_t bytes) {
    std::uint64_t value = 0;
    int shift = 0;
    for (const char c : take(bytes)) {
      value |= std::uint64_t{static_cast<std::uint8_t>(c)} << shift;
      shift += 8;
    }
    return value;
  }
};

std::string absolute(const std::string& path) {
  std::error_code ignored;
  const fs::path whole = fs::absolute(path, ignored);
  return ignored ? path : whole.lexically_normal().string();
}

}  // namespace

std::optional<FileStamp> stamp_of(const std::string& path) {
  struct stat status = {};
  if (::stat(path.c_str(), &status) != 0) return std::nullopt;
  return FileStamp{static_cast<std::uint64_t>(status.st_size),
                   std::int64_t{status.st_mtim.tv_sec} * 1'000'000'000 + status.st_mtim.tv_nsec};
}

EmbeddingCache::EmbeddingCache(std::string path, std::uint64_t model_digest, int columns)
    : path_(std::move(path)), model_digest_(model_digest), columns_(static_cast<std::size_t>(columns)) {}

Status EmbeddingCache::open(std::string& note) {
  if (path_.empty()) return {};
  std::error_code ignored;
  if (fs::is_directory(path_, ignored)) {
    return {Code::invalid_argument, "'" + path_ + "' is a folder; give the name of a file for --cache"};
  }
  const std::string folder = fs::path(path_).parent_path().string();
  if (::access(folder.empty() ? "." : folder.c_str(), W_OK) != 0) {
    return {Code::io, "cannot write the cache '" + path_ + "': " + std::generic_category().message(errno)};
  }
  if (!fs::exists(path_, ignored)) return {};
  if (!fs::is_regular_file(path_, ignored)) {
    return {Code::invalid_argument, "'" + path_ + "' is no regular file; give the name of one for --cache"};
  }
  std::ifstream file(path_, std::ios::binary);
  if (!file) return open_error("cannot open the cache '" + path_ + "'", Code::io);
  const std::string bytes(std::istreambuf_iterator<char>(file), {});
  if (file.bad()) return {Code::io, "cannot read the cache '" + path_ + "'"};
  if (!kMagic.starts_with(bytes.substr(0, kMagic.size()))) {
    return {Code::invalid_argument, "'" + path_ + "' is no cache of embeddings; give another name for --cache"};
  }
  if (const std::string problem = parse(bytes); !problem.empty()) {
    entries_.clear();
    note = "the cache '" + path_ + "' " + problem + "; it is made anew";
  }
  return {};
}

std::string EmbeddingCache::parse(const std::string& bytes) {
  constexpr std::size_t kChecksumBytes = 8;
  const std::string damaged = "is damaged";
  if (bytes.size() < kMagic.size() + kChecksumBytes) return damaged;
  const std::string_view content = std::string_view(bytes).substr(0, bytes.size() - kChecksumBytes);
  Reader checksum{std::string_view(bytes).substr(content.size())};
  if (checksum.number(kChecksumBytes) != checksum64(as_bytes(content))) return damaged;
  Reader reader{content.substr(kMagic.size())};
  if (reader.number(4) != kVersion) return "is of another version of vitrun";
  const std::uint64_t columns = reader.number(4), digest = reader.number(8), count = reader.number(8);
  if (columns != columns_ || digest != model_digest_) return "is of another model";
  for (std::uint64_t i = 0; i < count && reader.ok; ++i) {
    const std::string path(reader.take(reader.number(4)));
    Entry entry;
    entry.stamp.size = reader.number(8);
    entry.stamp.time = static_cast<std::int64_t>(reader.number(8));
    Reader values{reader.take(4 * columns_)};
    if (!reader.ok) return damaged;
    for (std::size_t c = 0; c < columns_; ++c) {
      entry.values.push_back(std::bit_cast<float>(static_cast<std::uint32_t>(values.number(4))));
    }
    entries_.insert_or_assign(path, std::move(entry));
  }
  return reader.ok && reader.rest.empty() ? "" : damaged;
}

const RealValues* EmbeddingCache::find(const std::string& path) const {
  const auto found = entries_.find(absolute(path));
  if (found == entries_.end() || stamp_of(path) != found->second.stamp) return nullptr;
  return &found->second.values;
}

void EmbeddingCache::put(const std::string& path, const FileStamp& stamp, RealValues embedding) {
  if (path_.empty()) return;
  entries_.insert_or_assign(absolute(path), Entry{stamp, std::move(embedding)});
  changed_ = true;
}

Status EmbeddingCache::write() {
  if (!changed_) return {};
  std::erase_if(entries_, [](const auto& entry) { return !stamp_of(entry.first); });
  std::string bytes(kMagic);
  append(kVersion, 4, bytes);
  append(columns_, 4, bytes);
  append(model_digest_, 8, bytes);
  append(entries_.size(), 8, bytes);
  for (const auto& [path, entry] : entries_) {
    append(path.size(), 4, bytes);
    bytes += path;
    append(entry.stamp.size, 8, bytes);
    append(static_cast<std::uint64_t>(entry.stamp.time), 8, bytes);
    for (const float value : entry.values) append(std::bit_cast<std::uint32_t>(value), 4, bytes);
  }
  append(checksum64(as_bytes(bytes)), 8, bytes);
  changed_ = false;
  return write_file_atomically(path_, as_bytes(bytes));
}

}  // namespace intvit
