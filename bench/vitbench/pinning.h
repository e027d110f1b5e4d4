// --pin: threads that each keep to a CPU of their own, so that the scheduler cannot move them while they are measured.
#pragma once

#include <string>
#include <vector>

#include "intvit/status.h"

namespace intvit::bench {

// The CPUs of "0,2-3", or of "all" those of `usable`, one of each core first. invalid_argument, naming the CPU, if one
// is not usable or is there twice. `folder` is Linux's description of CPUs.
Result<std::vector<int>> parse_pin(const std::string& text, const std::vector<int>& usable,
                                   const std::string& folder = "/sys/devices/system/cpu");

// "0,2,3"
std::string cpu_list(const std::vector<int>& cpus);

// Keeps the calling thread, and those that it starts later, to the CPUs. invalid_argument if Linux refuses.
Status keep_to(const std::vector<int>& cpus);

// Binds the threads of this process: the first one to the first of the CPUs, all others to the rest in turn, in the
// order in which they were started. invalid_argument if Linux refuses.
Status bind_threads(const std::vector<int>& cpus);

}  // namespace intvit::bench
