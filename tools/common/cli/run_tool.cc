#include "tools/common/cli/run_tool.h"

#include <errno.h>
#include <signal.h>
#include <sys/uio.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <initializer_list>
#include <iostream>
#include <new>
#include <system_error>

#include "tools/common/cli/escape_stdout.h"
#include "tools/common/cli/exit_code.h"
#include "tools/common/cli/mapped_file_name.h"

namespace intvit {
namespace {

std::atomic<const char*> tool_name{nullptr};
std::atomic<bool> memory_was_short{false};

// One line on stderr; needs no memory, and may be called by a signal's handler.
void say(std::initializer_list<const char*> parts) {
  const char* name = tool_name.load();
  iovec line[8] = {};
  int count = 0;
  const auto add = [&](const char* text) { line[count++] = {const_cast<char*>(text), std::strlen(text)}; };
  add(name != nullptr ? name : program_invocation_short_name);
  add(": ");
  for (const char* part : parts) add(part);
  add("\n");
  [[maybe_unused]] const ssize_t ignored = ::writev(STDERR_FILENO, line, count);
}

[[noreturn]] void note_short_memory() {
  memory_was_short.store(true);
  throw std::bad_alloc();
}

// What no caller could take: of a thread, a destructor, a constructor before main().
[[noreturn]] void end_without_memory() {
  if (std::current_exception() != nullptr) {
    try {
      throw;
    } catch (const std::bad_alloc&) {
      say({"out of memory"});
      ::_exit(kExitModel);
    } catch (...) {
    }
  }
  // On its way through a function of the standard library that lets none out, nobody has caught it.
  if (std::uncaught_exceptions() > 0 && memory_was_short.load()) {
    say({"out of memory"});
    ::_exit(kExitModel);
  }
  std::abort();
}

void on_bus_error(int signal, siginfo_t* info, void*) {
  char path[1024];
  if (mapped_file_name(reinterpret_cast<std::uintptr_t>(info->si_addr), path, sizeof path)) {
    say({"'", path, "' became shorter, or cannot be read any more, while it was in use; replace files by renaming"});
    ::_exit(kExitModel);
  }
  ::signal(signal, SIG_DFL);  // the instruction is tried again
}

[[gnu::constructor(101)]] void before_all_others() {
  std::set_terminate(end_without_memory);
  std::set_new_handler(note_short_memory);
}

int run(int (*tool)(int, char**), int argc, char** argv) {
  try {
    escape_stdout();
    return tool(argc, argv);
  } catch (const std::bad_alloc&) {
    say({"out of memory"});
  } catch (const std::system_error& error) {
    say({error.what()});
  }
  return kExitModel;
}

}  // namespace

int run_tool(const char* name, int (*tool)(int argc, char** argv), int argc, char** argv) {
  tool_name.store(name);
  struct sigaction bus = {};
  bus.sa_sigaction = on_bus_error;
  bus.sa_flags = SA_SIGINFO;
  ::sigaction(SIGBUS, &bus, nullptr);
  ::signal(SIGXFSZ, SIG_IGN);
  const int code = run(tool, argc, argv);
  errno = 0;
  const bool written = finish_stdout();
  // A stream says no more than that it failed.
  if (code == kExitUsage && memory_was_short.load()) return kExitModel;
  if (code != kExitOk && code != kExitSomeInputsFailed) return code;
  if (!written) {
    if (errno != EPIPE) say({"cannot write the results to stdout"});
    return kExitUsage;
  }
  if (code == kExitOk && memory_was_short.load()) {
    say({"out of memory"});
    return kExitModel;
  }
  return code;
}

}  // namespace intvit
