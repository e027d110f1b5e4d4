#include "tools/common/cli/progress_line.h"

#include <unistd.h>

#include <iostream>

namespace intvit {

using std::chrono::steady_clock;

ProgressLine::ProgressLine() : terminal_(::isatty(STDERR_FILENO) == 1), next_(steady_clock::now()) {}

bool ProgressLine::due() const { return terminal_ && steady_clock::now() >= next_; }

void ProgressLine::show(const std::string& text) {
  if (!terminal_) return;
  std::cerr << '\r' << text << "\x1b[K" << std::flush;  // the escape sequence erases the rest of the line
  visible_ = true;
  next_ = steady_clock::now() + std::chrono::milliseconds(200);
}

void ProgressLine::clear() {
  if (visible_) std::cerr << "\r\x1b[K" << std::flush;
  visible_ = false;
}

}  // namespace intvit
