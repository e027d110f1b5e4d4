#include "tools/common/cli/mapped_file_name.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

namespace intvit {
namespace {

// The characters of /proc/self/maps.
class Maps {
 public:
  Maps() : file_(::open("/proc/self/maps", O_RDONLY | O_CLOEXEC)) {}
  ~Maps() {
    if (file_ >= 0) ::close(file_);
  }
  Maps(const Maps&) = delete;
  Maps& operator=(const Maps&) = delete;

  // -1: there are no more.
  int next() {
    if (at_ == end_) {
      ssize_t got;
      do {
        got = ::read(file_, buffer_, sizeof buffer_);
      } while (got < 0 && errno == EINTR);
      if (got <= 0) return -1;
      at_ = 0;
      end_ = got;
    }
    return static_cast<unsigned char>(buffer_[at_++]);
  }

 private:
  int file_;
  ssize_t at_ = 0;
  ssize_t end_ = 0;
  char buffer_[1024];
};

// A hexadecimal number and the character behind it.
std::uintptr_t read_address(Maps& maps, int& behind) {
  std::uintptr_t value = 0;
  for (;;) {
    behind = maps.next();
    if (behind >= '0' && behind <= '9') {
      value = value << 4 | static_cast<std::uintptr_t>(behind - '0');
    } else if (behind >= 'a' && behind <= 'f') {
      value = value << 4 | static_cast<std::uintptr_t>(behind - 'a' + 10);
    } else {
      return value;
    }
  }
}

}  // namespace

// A line is "BEGIN-END PERMISSIONS OFFSET DEVICE INODE", then blanks and the path.
bool mapped_file_name(std::uintptr_t address, char* path, std::size_t size) noexcept {
  Maps maps;
  for (int c = 0; c >= 0;) {
    const std::uintptr_t begin = read_address(maps, c);
    const std::uintptr_t end = read_address(maps, c);
    for (int blanks = 1; blanks < 5 && c >= 0 && c != '\n';) blanks += (c = maps.next()) == ' ' ? 1 : 0;
    while (c == ' ') c = maps.next();
    const bool is_file = c == '/' && address >= begin && address < end;
    std::size_t length = 0;
    for (; c >= 0 && c != '\n'; c = maps.next()) {
      if (is_file && length + 1 < size) path[length++] = c < 0x20 || c == 0x7f ? '?' : static_cast<char>(c);
    }
    path[length] = 0;
    if (is_file) return true;
  }
  return false;
}

}  // namespace intvit
