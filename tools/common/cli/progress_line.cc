#include "tools/common/cli/progress_line.h"

#include <sys/stat.h>
#include <unistd.h>

#include <iomanip>
#include <iostream>
#include <sstream>

#include "tools/common/cli/shown_text.h"

namespace intvit {

using std::chrono::steady_clock;

ProgressLine::ProgressLine(bool wanted)
    : terminal_(wanted && ::isatty(STDERR_FILENO) == 1), next_(steady_clock::now()) {}

bool ProgressLine::due() const { return terminal_ && steady_clock::now() >= next_; }

void ProgressLine::show(const std::string& text) {
  if (!terminal_) return;
  std::cerr << '\r' << escaped(text) << "\x1b[K" << std::flush;  // the escape sequence erases the rest of the line
  visible_ = true;
  next_ = steady_clock::now() + std::chrono::milliseconds(200);
}

void ProgressLine::clear() {
  if (visible_) std::cerr << "\r\x1b[K" << std::flush;
  visible_ = false;
}

bool stdout_is_the_terminal() {
  struct stat out, err;
  return ::isatty(STDOUT_FILENO) == 1 && ::fstat(STDOUT_FILENO, &out) == 0 && ::fstat(STDERR_FILENO, &err) == 0 &&
         out.st_rdev == err.st_rdev;
}

std::string progress_text(const std::string& what, std::size_t done, std::optional<std::size_t> total,
                          const std::string& middle, double seconds) {
  std::ostringstream text;
  const double rate = static_cast<double>(done) / seconds;
  text << std::fixed << std::setprecision(1) << what << done;
  if (total) text << " of " << *total;
  text << "  " << middle << rate << " images/s";
  if (total) text << "  " << std::setprecision(0) << static_cast<double>(*total - done) / rate << " s left";
  return text.str();
}

}  // namespace intvit
