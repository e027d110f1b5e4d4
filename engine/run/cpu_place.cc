#include "engine/run/cpu_place.h"

#include <algorithm>
#include <thread>

#ifdef __linux__
#include <sched.h>
#endif

namespace intvit {

#ifdef __linux__

int current_cpu() { return sched_getcpu(); }

int allowed_cpus() {
  cpu_set_t allowed;
  // Fails on machines of more CPUs than the set has.
  if (sched_getaffinity(0, sizeof allowed, &allowed) == 0) return std::max(CPU_COUNT(&allowed), 1);
  return std::max(static_cast<int>(std::thread::hardware_concurrency()), 1);
}

void leave_cpus(std::span<const std::atomic<int>> taken) {
  cpu_set_t allowed;
  if (sched_getaffinity(0, sizeof allowed, &allowed) != 0) return;
  cpu_set_t rest = allowed;
  for (const std::atomic<int>& cpu : taken) {
    const int number = cpu.load(std::memory_order_relaxed);
    if (number >= 0 && number < CPU_SETSIZE) CPU_CLR(static_cast<std::size_t>(number), &rest);
  }
  if (CPU_COUNT(&rest) == 0 || sched_setaffinity(0, sizeof rest, &rest) != 0) return;
  sched_setaffinity(0, sizeof allowed, &allowed);
}

#else

int current_cpu() { return -1; }
int allowed_cpus() { return std::max(static_cast<int>(std::thread::hardware_concurrency()), 1); }
void leave_cpus(std::span<const std::atomic<int>>) {}

#endif

}  // namespace intvit
