// Writing a file in one step. See writer.h.
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <climits>
#include <cstdio>
#include <cstring>
#include <optional>
#include <utility>

#include "engine/format/writer.h"

namespace intvit {
namespace {

constexpr int kMostWriters = 64;  // of the same file at the same time
constexpr int kMostLinks = 40;    // as Linux follows
constexpr mode_t kMode = 0666;    // but for what umask takes away

using Bytes = std::span<const std::uint8_t>;

class File {
 public:
  explicit File(int descriptor) : descriptor_(descriptor) {}
  File(File&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}
  ~File() {
    if (descriptor_ < 0) return;
    const int error = errno;
    ::close(descriptor_);
    errno = error;
  }

  bool ok() const { return descriptor_ >= 0; }
  int descriptor() const { return descriptor_; }
  bool lock() const { return ::flock(descriptor_, LOCK_EX | LOCK_NB) == 0; }
  bool has_name() const {
    struct stat info {};
    return ::fstat(descriptor_, &info) == 0 && info.st_nlink > 0;
  }

 private:
  int descriptor_;
};

Status io_error(const char* what, const std::string& path) {
  return {Code::io, std::string("cannot ") + what + " '" + path + "': " + std::strerror(errno)};
}

bool write_all(const File& file, Bytes bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(file.descriptor(), bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return false;
    bytes = bytes.subspan(static_cast<std::size_t>(written));
  }
  return true;
}

// Of a path: "a/b/" and "c" of "a/b/c".
std::string folder_of(const std::string& path) { return path.substr(0, path.rfind('/') + 1); }
std::string name_of(const std::string& path) { return path.substr(path.rfind('/') + 1); }

std::string temporary_name(const std::string& path, int number) {
  constexpr std::size_t kLongestName = 200;  // file systems allow 255 bytes
  return folder_of(path) + "." + name_of(path).substr(0, kLongestName) + ".intvit-" + std::to_string(number);
}

// Removes a temporary file that nobody has locked.
void remove_leftover(const std::string& name) {
  const File left(::open(name.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  struct stat opened {};
  struct stat named {};
  if (!left.ok() || ::fstat(left.descriptor(), &opened) != 0 || !S_ISREG(opened.st_mode)) return;
  if (opened.st_uid != ::geteuid() || !left.lock()) return;
  // It may have been renamed before it was locked. From here on only who has the lock may do that.
  if (::lstat(name.c_str(), &named) != 0 || named.st_ino != opened.st_ino || named.st_dev != opened.st_dev) return;
  ::unlink(name.c_str());
}

// Gives a written file a name that `link_to` makes, then the one that it is to have.
template <typename Link>
bool rename_over(const std::string& path, const Link& link_to) {
  for (int number = 0; number < kMostWriters; ++number) {
    const std::string name = temporary_name(path, number);
    remove_leftover(name);
    if (!link_to(name)) {
      if (errno == EEXIST) continue;
      return false;
    }
    if (::rename(name.c_str(), path.c_str()) == 0) return true;
    const int error = errno;
    ::unlink(name.c_str());
    errno = error;
    return false;
  }
  return false;
}

// Nothing where the file system, or the lack of /proc, does not allow it.
std::optional<Status> write_unnamed(const std::string& path, Bytes bytes) {
  const File file(::open((folder_of(path) + ".").c_str(), O_TMPFILE | O_WRONLY | O_CLOEXEC, kMode));
  if (!file.ok()) return std::nullopt;
  static_cast<void>(file.lock());  // for the moment in which it has a temporary name
  if (!write_all(file, bytes) || ::fsync(file.descriptor()) != 0) return io_error("write", path);
  const std::string own = "/proc/self/fd/" + std::to_string(file.descriptor());
  const auto link_to = [&](const std::string& name) {
    return ::linkat(AT_FDCWD, own.c_str(), AT_FDCWD, name.c_str(), AT_SYMLINK_FOLLOW) == 0;
  };
  if (link_to(path)) return Status();
  if (errno != EEXIST) return std::nullopt;
  return rename_over(path, link_to) ? Status() : io_error("rename to", path);
}

Status write_in_place(const std::string& path, Bytes bytes) {
  const File file(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
  if (!file.ok()) return io_error("open", path);
  return write_all(file, bytes) ? Status() : io_error("write", path);
}

}  // namespace

std::string without_links(const std::string& path) {
  std::string target = path;
  for (int links = 0; links < kMostLinks; ++links) {
    char next[PATH_MAX];
    const ssize_t length = ::readlink(target.c_str(), next, sizeof next);
    if (length <= 0) break;
    const std::string to(next, static_cast<std::size_t>(length));
    target = to[0] == '/' ? to : folder_of(target) + to;
  }
  return target;
}

Status write_file_by_name(const std::string& path, Bytes bytes) {
  const std::string target = without_links(path);
  for (int number = 0; number < kMostWriters; ++number) {
    const std::string name = temporary_name(target, number);
    remove_leftover(name);
    const File file(::open(name.c_str(), O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, kMode));
    if (!file.ok() && errno == EEXIST) continue;
    if (!file.ok()) return io_error("create", path);
    // Somebody may have taken it for a leftover before it was locked. A file system without locks has no leftovers.
    if (!file.lock() && errno == EWOULDBLOCK) continue;
    if (!file.has_name()) continue;
    const bool written = write_all(file, bytes) && ::fsync(file.descriptor()) == 0;
    if (written && ::rename(name.c_str(), target.c_str()) == 0) return {};
    const int error = errno;
    ::unlink(name.c_str());  // before the text of the error, for which memory may be short
    errno = error;
    return io_error(written ? "rename to" : "write", path);
  }
  errno = EBUSY;
  return io_error("create", path);
}

Status write_file_atomically(const std::string& path, Bytes bytes) {
  struct stat info {};
  if (::stat(path.c_str(), &info) == 0 && !S_ISREG(info.st_mode) && !S_ISDIR(info.st_mode)) {
    return write_in_place(path, bytes);
  }
  const std::string target = without_links(path);
  remove_leftover(temporary_name(target, 0));
  if (const std::optional<Status> done = write_unnamed(target, bytes)) return *done;
  return write_file_by_name(target, bytes);
}

}  // namespace intvit
