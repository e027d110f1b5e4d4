// One line on a terminal that is written over and over while a tool works; nothing if stderr is not a terminal.
// Thread-compatible: callers serialise.
#pragma once

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>

namespace intvit {

class ProgressLine {
 public:
  // Not wanted: never anything.
  explicit ProgressLine(bool wanted = true);
  ~ProgressLine() { clear(); }
  ProgressLine(const ProgressLine&) = delete;
  ProgressLine& operator=(const ProgressLine&) = delete;

  // Whether it is worth making a text now: on a terminal, some times a second.
  bool due() const;
  void show(const std::string& text);
  // Call before anything else goes to stderr.
  void clear();

 private:
  bool terminal_;
  bool visible_ = false;
  std::chrono::steady_clock::time_point next_;
};

// Whether results that go to stdout appear where the progress line would.
bool stdout_is_the_terminal();

class Stopwatch {
 public:
  double seconds() const { return std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count(); }

 private:
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

// "embedding 3 of 10  12.5 images/s  1 s left" of `what` "embedding "; `middle` stands behind the count. Without a
// total there is no time left.
std::string progress_text(const std::string& what, std::size_t done, std::optional<std::size_t> total,
                          const std::string& middle, double seconds);

}  // namespace intvit
