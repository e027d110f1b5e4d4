#include "tools/common/machine/physical_cores.h"

#include <sched.h>

#include <algorithm>
#include <fstream>
#include <set>
#include <string>
#include <thread>

#include "intvit/session.h"

namespace intvit {
namespace {

// Which hardware threads share a core with `cpu`, e.g. "0,64": the same text for all of them.
std::string core_of(int cpu, const std::string& folder) {
  const std::string name = "cpu" + std::to_string(cpu);
  std::ifstream file(folder + "/" + name + "/topology/thread_siblings_list");
  std::string siblings;
  return std::getline(file, siblings) ? siblings : name;
}

}  // namespace

int count_cores(const std::vector<int>& cpus, const std::string& folder) {
  std::set<std::string> cores;
  for (const int cpu : cpus) cores.insert(core_of(cpu, folder));
  return std::clamp(static_cast<int>(cores.size()), 1, kMaxThreads);
}

std::vector<int> one_of_each_core_first(const std::vector<int>& cpus, const std::string& folder) {
  std::set<std::string> cores;
  std::vector<int> order, others;
  for (const int cpu : cpus) (cores.insert(core_of(cpu, folder)).second ? order : others).push_back(cpu);
  order.insert(order.end(), others.begin(), others.end());
  return order;
}

std::vector<int> usable_cpus() {
  cpu_set_t allowed;
  CPU_ZERO(&allowed);
  std::vector<int> cpus;
  if (sched_getaffinity(0, sizeof allowed, &allowed) != 0) return cpus;
  for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
    if (CPU_ISSET(static_cast<std::size_t>(cpu), &allowed)) cpus.push_back(cpu);
  }
  return cpus;
}

int physical_cores() {
  const std::vector<int> cpus = usable_cpus();
  if (cpus.empty()) return std::clamp(static_cast<int>(std::thread::hardware_concurrency()), 1, kMaxThreads);
  return count_cores(cpus, "/sys/devices/system/cpu");
}

}  // namespace intvit
