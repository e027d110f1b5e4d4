#include "picture/input.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>

namespace intvit {
namespace {

// No more than the file takes, as they are all written once, but enough should it be a file that does not say.
constexpr std::int64_t kLeastBlockBytes = 1 << 12, kMostBlockBytes = 1 << 16;

Status system_error(int error) {
  return {error == ENOENT || error == ENOTDIR ? Code::not_found : Code::io, std::generic_category().message(error)};
}

// What stands in the way of reading it as a file.
const char* other_than_file(mode_t mode) {
  if (S_ISREG(mode)) return nullptr;
  if (S_ISDIR(mode)) return "it is a folder, not a file";
  if (S_ISFIFO(mode)) return "it is a pipe, not a file";
  if (S_ISSOCK(mode)) return "it is a socket, not a file";
  return "it is a device, not a file";
}

}  // namespace

Result<Input> Input::open(const std::string& path) {
  // stat() first, since opening a device may already do something.
  struct stat found {};
  if (::stat(path.c_str(), &found) != 0) return system_error(errno);
  if (const char* other = other_than_file(found.st_mode)) return {Code::io, other};
  const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);  // should it have become a pipe since
  if (file < 0) return system_error(errno);
  if (::fstat(file, &found) != 0 || !S_ISREG(found.st_mode)) {
    ::close(file);
    return {Code::io, "it is not a file any more"};
  }
  return Input(file, found.st_size);
}

Input::~Input() {
  if (file_ >= 0) ::close(file_);
}

std::span<const std::uint8_t> Input::next() {
  if (at_end_) return {};
  if (file_ < 0) {
    at_end_ = true;
    return memory_;
  }
  block_.resize(static_cast<std::size_t>(std::clamp(size_, kLeastBlockBytes, kMostBlockBytes)));
  ssize_t got;
  do {
    got = ::read(file_, block_.data(), block_.size());
  } while (got < 0 && errno == EINTR);
  if (got < 0) error_ = errno;
  at_end_ = got <= 0;
  return {block_.data(), got > 0 ? static_cast<std::size_t>(got) : 0};
}

Status Input::status() const { return error_ == 0 ? Status() : system_error(error_); }

void Input::rewind() {
  at_end_ = false;
  if (file_ >= 0 && ::lseek(file_, 0, SEEK_SET) < 0) {
    error_ = errno;
    at_end_ = true;
  }
}

Result<std::span<const std::uint8_t>> Input::all() {
  if (file_ < 0) return memory_;
  rewind();
  std::vector<std::uint8_t> bytes;
  bytes.reserve(static_cast<std::size_t>(size_));
  // No more than it had when it was opened, should somebody still write it.
  while (static_cast<std::int64_t>(bytes.size()) < size_) {
    const std::span<const std::uint8_t> more = next();
    if (more.empty()) break;
    bytes.insert(bytes.end(), more.begin(), more.end());
  }
  if (Status failed = status(); !failed.ok()) return failed;
  at_end_ = true;
  block_ = std::move(bytes);
  return std::span<const std::uint8_t>(block_);
}

}  // namespace intvit
