// What a library that never prints has to say: a function of the caller's takes it, or nobody.
#pragma once

namespace intvit {

enum class LogLevel : int { info = 0, warning = 1 };

struct LogSink {
  // One line without a newline, valid during the call, on the thread that made the call into the library. It must not
  // throw. None: nothing is said.
  void (*write)(void* context, LogLevel level, const char* message) = nullptr;
  void* context = nullptr;
};

}  // namespace intvit
