#include "tools/common/cli/on_interrupt.h"

#include <signal.h>

#include <chrono>
#include <initializer_list>
#include <utility>

namespace intvit {
namespace {

// What wakes the thread when nothing happened.
constexpr int kWake = SIGUSR2;
constexpr int kTries = 100;  // a second

sigset_t ending_signals() {
  sigset_t set;
  sigemptyset(&set);
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) {
    struct sigaction action;
    if (sigaction(signal, nullptr, &action) == 0 && action.sa_handler != SIG_IGN) sigaddset(&set, signal);
  }
  return set;
}

}  // namespace

OnInterrupt::OnInterrupt(std::function<void()> finish) : finish_(std::move(finish)) {
  sigset_t set = ending_signals();
  sigaddset(&set, kWake);
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
  thread_ = std::jthread([this] { wait(); });
}

OnInterrupt::~OnInterrupt() {
  {
    const std::lock_guard lock(printing_);
    ended_ = true;
  }
  pthread_kill(thread_.native_handle(), kWake);
  thread_.join();
  sigset_t set = ending_signals();
  sigaddset(&set, kWake);
  pthread_sigmask(SIG_UNBLOCK, &set, nullptr);
}

void OnInterrupt::wait() {
  sigset_t set = ending_signals();
  sigaddset(&set, kWake);
  int signal = 0;
  if (sigwait(&set, &signal) != 0 || signal == kWake) return;
  // Who reads stdout may have stopped reading, and printing would never end.
  bool locked = false;
  for (int tries = 0; tries < kTries && !(locked = printing_.try_lock()); ++tries) {
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  if (locked && !ended_) finish_();
  ::signal(signal, SIG_DFL);
  sigemptyset(&set);
  sigaddset(&set, signal);
  pthread_sigmask(SIG_UNBLOCK, &set, nullptr);
  raise(signal);
}

}  // namespace intvit
