// What else the machine does while it is measured, and what moves its clocks.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace intvit::bench {

// What Linux does not tell is empty.
struct MachineState {
  std::string time;                // UTC: "2026-11-28T11:40:00Z"
  int cpus = 0;                    // that are online; 0 if unknown
  std::optional<double> load;      // average of the minute before, in threads that want to run
  std::string governor;            // of the CPUs' clocks: "performance", or "performance,powersave"
  std::optional<bool> smt, turbo;  // whether cores have several hardware threads, and clocks above the nominal one
  std::optional<double> stolen_percent;  // of all CPUs' time, what a hypervisor gave to others while measuring
};

// CPU time of all CPUs since the start of the machine, in Linux's units.
struct CpuTimes {
  std::uint64_t all = 0;
  std::uint64_t stolen = 0;
};

// Without stolen_percent. The governors are those of `cpus`. `root` stands for / in tests.
MachineState machine_state(const std::vector<int>& cpus, const std::string& root = "");

// Empty if Linux does not tell.
std::optional<CpuTimes> cpu_times(const std::string& root = "");

// Percent of the time between both; empty if one is, or if they are too near to each other.
std::optional<double> stolen_percent(const std::optional<CpuTimes>& before, const std::optional<CpuTimes>& after);

// "load 0.09 before, 0.3 % of the CPU time stolen, governor performance, SMT off"; empty if nothing is known.
std::string machine_text(const MachineState& state);

// Sentences about what makes measurements with so many threads doubtful.
std::vector<std::string> machine_warnings(const MachineState& state, int threads);

}  // namespace intvit::bench
