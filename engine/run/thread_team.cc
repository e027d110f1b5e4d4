#include "engine/run/thread_team.h"

#include <unistd.h>

#include <algorithm>

#include "engine/run/cpu_place.h"
#include "kernels/cpu/cpu.h"

namespace intvit {
namespace {

// About 20 microseconds: longer than a barrier of busy threads takes, shorter than anybody notices.
constexpr int kSpins = 1000;

}  // namespace

ThreadTeam::ThreadTeam(int size)
    : size_(size), process_(::getpid()), own_cpus_(size <= allowed_cpus()), cpus_(static_cast<std::size_t>(size)) {
  for (std::atomic<int>& cpu : cpus_) cpu.store(-1);
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
  if (!is_here()) {
    for (std::thread& thread : threads_) thread.detach();
    return;
  }
  stop_.store(true);
  generation_.fetch_add(1);
  generation_.notify_all();
  for (std::thread& thread : threads_) thread.join();
}

bool ThreadTeam::is_here() const { return size_ == 1 || ::getpid() == process_; }

void ThreadTeam::wait_while(const std::atomic<unsigned>& value, unsigned old) const {
  // Threads that do not have a CPU of their own must not spin, since the one they wait for may need it.
  for (int i = 0; own_cpus_ && i < kSpins; ++i) {
    if (value.load(std::memory_order_acquire) != old) return;
    kernels::pause();
  }
  while (value.load(std::memory_order_acquire) == old) value.wait(old, std::memory_order_acquire);
}

void ThreadTeam::member_loop(int member) {
  unsigned seen = 0;
  for (;;) {
    wait_while(generation_, seen);
    seen = generation_.load(std::memory_order_acquire);
    if (stop_.load()) return;
    keep_apart(member);
    work_(context_, member);
    barrier(member);
  }
}

void ThreadTeam::run(void (*work)(void*, int), void* context) {
  work_ = work;
  context_ = context;
  keep_apart(0);
  if (size_ > 1) {
    generation_.fetch_add(1, std::memory_order_release);
    generation_.notify_all();
  }
  work(context, 0);
  barrier(0);
}

// The member with the higher number goes, so that two that meet do not both go to the same place.
void ThreadTeam::keep_apart(int member) {
  if (size_ == 1 || !own_cpus_) return;
  const int cpu = current_cpu();
  const auto own = static_cast<std::size_t>(member);
  cpus_[own].store(cpu, std::memory_order_relaxed);
  const auto is_here = [cpu](const std::atomic<int>& other) { return other.load(std::memory_order_relaxed) == cpu; };
  if (cpu < 0 || std::none_of(cpus_.begin(), cpus_.begin() + member, is_here)) return;
  leave_cpus(cpus_);
  cpus_[own].store(current_cpu(), std::memory_order_relaxed);
}

void ThreadTeam::barrier(int member) {
  if (size_ == 1) return;
  keep_apart(member);
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
