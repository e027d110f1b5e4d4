// One line on a terminal that is written over and over while a tool works; nothing if stderr is not a terminal.
// Thread-compatible: callers serialise.
#pragma once

#include <chrono>
#include <string>

namespace intvit {

class ProgressLine {
 public:
  ProgressLine();
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

}  // namespace intvit
