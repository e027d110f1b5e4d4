// The default number of threads: integer kernels fill a core, so that its second hardware thread adds nothing.
#pragma once

#include <string>
#include <vector>

namespace intvit {

// Distinct cores among the CPUs that this process may run on (taskset, cpusets); hardware threads where Linux does not
// tell. At least 1.
int physical_cores();

// Those CPUs, rising; empty where Linux does not tell.
std::vector<int> usable_cpus();

// The number of distinct cores of given hardware threads, by what Linux's `folder` /sys/devices/system/cpu says about
// them.
int count_cores(const std::vector<int>& cpus, const std::string& folder);

// The same hardware threads, one of each core before the others.
std::vector<int> one_of_each_core_first(const std::vector<int>& cpus, const std::string& folder);

}  // namespace intvit
