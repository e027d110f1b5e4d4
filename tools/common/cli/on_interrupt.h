// Finishes what was begun on stdout when Ctrl-C or SIGTERM ends the program.
#pragma once

#include <functional>
#include <mutex>
#include <thread>

namespace intvit {

// While it exists, these signals have a thread of its own call `finish`, and then end the process as they always do. To
// be made before other threads, which then leave the signals to it. A signal that is ignored stays so.
class OnInterrupt {
 public:
  explicit OnInterrupt(std::function<void()> finish);
  ~OnInterrupt();
  OnInterrupt(const OnInterrupt&) = delete;
  OnInterrupt& operator=(const OnInterrupt&) = delete;

  // Held while something is printed: `finish` comes between.
  std::mutex& printing() { return printing_; }

 private:
  void wait();

  std::function<void()> finish_;
  std::mutex printing_;
  bool ended_ = false;
  std::jthread thread_;
};

}  // namespace intvit
