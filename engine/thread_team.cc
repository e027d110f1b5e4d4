#include "engine/thread_team.h"

namespace intvit {
namespace {

void relax() { __builtin_ia32_pause(); }

// About 20 microseconds: longer than a barrier of busy threads takes, shorter than anybody notices. Threads that do not
// have a CPU of their own must not spin, since the one they wait for may need it.
int spins_for(int size) {
  const unsigned cpus = std::thread::hardware_concurrency();
  return cpus != 0 && static_cast<unsigned>(size) <= cpus ? 1000 : 0;
}

}  // namespace

ThreadTeam::ThreadTeam(int size) : size_(size), spins_(spins_for(size)) {
  threads_.reserve(static_cast<std::size_t>(size - 1));
  try {
    for (int member = 1; member < size; ++member) threads_.emplace_back([this, member] { member_loop(member); });
  } catch (...) {
    stop_.store(true);
    generation_.fetch_add(1);
    generation_.notify_all();
    for (std::thread& thread : threads_) thread.join();
    throw;
  }
}

ThreadTeam::~ThreadTeam() {
  stop_.store(true);
  generation_.fetch_add(1);
  generation_.notify_all();
  for (std::thread& thread : threads_) thread.join();
}

void ThreadTeam::wait_while(const std::atomic<unsigned>& value, unsigned old) const {
  for (int i = 0; i < spins_; ++i) {
    if (value.load(std::memory_order_acquire) != old) return;
    relax();
  }
  while (value.load(std::memory_order_acquire) == old) value.wait(old, std::memory_order_acquire);
}

void ThreadTeam::member_loop(int member) {
  unsigned seen = 0;
  for (;;) {
    wait_while(generation_, seen);
    seen = generation_.load(std::memory_order_acquire);
    if (stop_.load()) return;
    work_(context_, member);
    barrier();
  }
}

void ThreadTeam::run(void (*work)(void*, int), void* context) {
  work_ = work;
  context_ = context;
  if (size_ > 1) {
    generation_.fetch_add(1, std::memory_order_release);
    generation_.notify_all();
  }
  work(context, 0);
  barrier();
}

void ThreadTeam::barrier() {
  if (size_ == 1) return;
  const unsigned phase = phase_.load(std::memory_order_acquire);
  if (arrived_.fetch_add(1, std::memory_order_acq_rel) + 1 == size_) {
    arrived_.store(0, std::memory_order_relaxed);
    phase_.fetch_add(1, std::memory_order_release);
    phase_.notify_all();
  } else {
    wait_while(phase_, phase);
  }
}

}  // namespace intvit
