#include "tools/common/cli/escape_stdout.h"

#include <unistd.h>
#include <ext/stdio_sync_filebuf.h>

#include <cerrno>
#include <cstdio>
#include <iostream>
#include <new>
#include <string>
#include <string_view>

#include "tools/common/cli/shown_text.h"

namespace intvit {
namespace {

// Where stdout is a terminal. Neither this nor the buffer of std::cout ends before what is flushed at the end of the
// process.
std::string* open_line = nullptr;

bool write_all(std::string_view text) {
  while (!text.empty()) {
    const ssize_t written = ::write(STDOUT_FILENO, text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return false;
    text.remove_prefix(static_cast<std::size_t>(written));
  }
  return true;
}

// As fopencookie() wants it: 0 is an error.
ssize_t write_escaped(void*, const char* text, std::size_t size) {
  try {
    std::string shown;
    std::string& line = *open_line;
    for (const char c : std::string_view(text, size)) {
      if (c != '\n' && c != '\t') {
        line.push_back(c);
        continue;
      }
      shown += escaped(line) + c;
      line.clear();
    }
    return write_all(shown) ? static_cast<ssize_t>(size) : 0;
  } catch (const std::bad_alloc&) {
    errno = ENOMEM;
    return 0;
  }
}

}  // namespace

void escape_stdout() {
  if (::isatty(STDOUT_FILENO) != 1) return;
  open_line = new std::string;
  std::FILE* escaping = ::fopencookie(nullptr, "w", {nullptr, write_escaped, nullptr, nullptr});
  if (escaping == nullptr) throw std::bad_alloc();
  std::setvbuf(escaping, nullptr, _IOLBF, 0);
  stdout = escaping;
  static auto* const buffer = new __gnu_cxx::stdio_sync_filebuf<char>(escaping);
  std::cout.rdbuf(buffer);
}

bool finish_stdout() {
  const bool written = static_cast<bool>(std::cout.flush()) && std::fflush(stdout) == 0 && std::ferror(stdout) == 0;
  return (open_line == nullptr || write_all(escaped(*open_line))) && written;
}

}  // namespace intvit
