#include "engine/format/mapped_file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

namespace intvit {

namespace {

// Closes a file descriptor at the end of a scope.
class OpenFile {
 public:
  explicit OpenFile(int fd) : fd_(fd) {}
  OpenFile(OpenFile&& other) noexcept : size(other.size), fd_(std::exchange(other.fd_, -1)) {}
  ~OpenFile() {
    if (fd_ >= 0) ::close(fd_);
  }

  int fd() const { return fd_; }
  std::size_t size = 0;

 private:
  int fd_;
};

Result<OpenFile> open_file(const std::string& path) {
  OpenFile file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));  // a pipe must not block us
  if (file.fd() < 0) {
    const int error = errno;
    return Status(error == ENOENT || error == ENOTDIR ? Code::not_found : Code::io,
                  "cannot open '" + path + "': " + std::strerror(error));
  }
  struct stat info {};
  if (::fstat(file.fd(), &info) != 0 || !S_ISREG(info.st_mode)) {
    return Status(Code::io, "cannot read '" + path + "': it is not a regular file");
  }
  if (info.st_size == 0) return Status(Code::corrupt_file, "'" + path + "' is empty");
  file.size = static_cast<std::size_t>(info.st_size);
  return file;
}

}  // namespace

Result<MappedFile> MappedFile::open(const std::string& path) {
  const Result<OpenFile> file = open_file(path);
  if (!file.ok()) return file.status();
  const std::size_t size = file.value().size;
  void* data = ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, file.value().fd(), 0);
  if (data == MAP_FAILED) return Status(Code::io, "cannot map '" + path + "': " + std::strerror(errno));
  return MappedFile(static_cast<const std::uint8_t*>(data), size);
}

Result<FileCopy> copy_file(const std::string& path) {
  const Result<OpenFile> file = open_file(path);
  if (!file.ok()) return file.status();
  FileCopy copy;
  copy.size = file.value().size;
  copy.words.resize((copy.size + 7) / 8);
  auto* bytes = reinterpret_cast<std::uint8_t*>(copy.words.data());
  for (std::size_t done = 0; done < copy.size;) {
    const ssize_t count = ::read(file.value().fd(), bytes + done, copy.size - done);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return Status(Code::io, "cannot read '" + path + "': " + std::strerror(errno));
    if (count == 0) return Status(Code::io, "cannot read '" + path + "': it became shorter meanwhile");
    done += static_cast<std::size_t>(count);
  }
  return copy;
}

void MappedFile::populate() const {
  constexpr int kPopulateRead = 22;  // of <linux/mman.h>; older C libraries do not have it
  static_cast<void>(::madvise(const_cast<std::uint8_t*>(data_), size_, kPopulateRead));
}

MappedFile::MappedFile(MappedFile&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}

MappedFile& MappedFile::operator=(MappedFile&& other) noexcept {
  std::swap(data_, other.data_);
  std::swap(size_, other.size_);
  return *this;
}

MappedFile::~MappedFile() {
  if (data_ != nullptr) ::munmap(const_cast<std::uint8_t*>(data_), size_);
}

}  // namespace intvit
