#include "tools/vitrun/bundle.h"

#include <fcntl.h>
#include <unistd.h>

#include <cstdint>
#include <filesystem>
#include <span>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "engine/format/writer.h"
#include "tools/common/results/output_file.h"

namespace intvit {
namespace {

namespace fs = std::filesystem;

constexpr const char* kOwnFile = "/proc/self/exe";
constexpr std::string_view kMagic = "INTVITBN";
constexpr std::size_t kTrailerBytes = 24;
constexpr std::size_t kPageBytes = 65536;  // the largest pages that Linux is built with on the CPUs there are

void append(std::vector<std::uint8_t>& bytes, std::uint64_t number) {
  for (int shift = 0; shift < 64; shift += 8) bytes.push_back(static_cast<std::uint8_t>(number >> shift));
}

std::uint64_t number_at(const char* bytes) {
  std::uint64_t number = 0;
  for (int i = 7; i >= 0; --i) number = number << 8 | static_cast<std::uint8_t>(bytes[i]);
  return number;
}

}  // namespace

std::optional<Bundle> own_bundle() {
  // Every start does this, so without the cost of a stream.
  const int file = ::open(kOwnFile, O_RDONLY | O_CLOEXEC);
  if (file < 0) return std::nullopt;
  char trailer[kTrailerBytes] = {};
  const off_t bytes = ::lseek(file, 0, SEEK_END);
  const off_t at = bytes - static_cast<off_t>(kTrailerBytes);
  const bool is_read = at >= 0 && ::pread(file, trailer, kTrailerBytes, at) == static_cast<ssize_t>(kTrailerBytes);
  ::close(file);
  if (!is_read || std::string_view(trailer, kMagic.size()) != kMagic) return std::nullopt;
  const auto end = static_cast<std::uint64_t>(at);
  const std::uint64_t place = number_at(trailer + 8), size = number_at(trailer + 16);
  if (place % kPageBytes != 0 || place > end || size != end - place) return std::nullopt;  // someone else wrote it
  return Bundle{static_cast<std::size_t>(place), static_cast<std::size_t>(size)};
}

Result<std::shared_ptr<const Model>> open_bundle(const Bundle& bundle) {
  Result<MappedFile> file = MappedFile::open(kOwnFile);
  if (!file.ok()) return file.status();
  // As long as the process: the model reads from it.
  static const auto* const mapped = new MappedFile(file.take());
  const std::span<const std::uint8_t> bytes = mapped->bytes();
  return Model::from_memory({bytes.data() + bundle.place, bundle.size}, "the model in this program",
                            {.storage = Storage::in_place, .log = {}});
}

Status write_bundle(const std::string& model, const std::string& path) {
  if (Status status = check_output_file("the bundle", path); !status.ok()) return status;
  std::error_code ignored;
  if (fs::exists(path, ignored) && !fs::is_regular_file(path, ignored)) {
    return {Code::invalid_argument,
            "cannot write the bundle to '" + path + "': it is no regular file; give another name"};
  }
  const Result<MappedFile> program = MappedFile::open(kOwnFile);
  if (!program.ok()) return {Code::io, "--bundle cannot read the program itself: " + program.status().message()};
  const Result<MappedFile> weights = MappedFile::open(model);
  if (!weights.ok()) return weights.status();
  const std::span<const std::uint8_t> from = program.value().bytes(), data = weights.value().bytes();
  std::vector<std::uint8_t> bytes(from.begin(), from.end());
  const std::size_t place = (bytes.size() + kPageBytes - 1) / kPageBytes * kPageBytes;
  bytes.resize(place);
  bytes.insert(bytes.end(), data.begin(), data.end());
  bytes.insert(bytes.end(), kMagic.begin(), kMagic.end());
  append(bytes, place);
  append(bytes, data.size());
  if (Status status = write_file_atomically(path, bytes); !status.ok()) return status;
  std::error_code error;
  const fs::perms may_run = fs::perms::owner_exec | fs::perms::group_exec | fs::perms::others_exec;
  fs::permissions(path, may_run, fs::perm_options::add, error);
  return error ? Status(Code::io, "cannot make '" + path + "' a program: " + error.message()) : Status();
}

}  // namespace intvit
