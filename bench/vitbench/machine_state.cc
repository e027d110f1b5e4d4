#include "bench/vitbench/machine_state.h"

#include <ctime>
#include <fstream>
#include <set>

#include "tools/common/results/text_table.h"

namespace intvit::bench {
namespace {

constexpr const char* kCpuFolder = "/sys/devices/system/cpu/";

// A load or a part of the time below these is that of any idle machine.
constexpr double kQuietLoad = 0.5;
constexpr double kQuietStolenPercent = 1;

std::string utc_now() {
  const std::time_t now = std::time(nullptr);
  std::tm parts{};
  char text[32];
  if (::gmtime_r(&now, &parts) == nullptr) return {};
  return {text, std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &parts)};
}

// Empty if there is no such file.
std::string first_word(const std::string& path) {
  std::ifstream file(path);
  std::string word;
  file >> word;
  return word;
}

// Whether the file says `yes`; nothing if it says neither.
std::optional<bool> flag(const std::string& path, const std::string& yes, const std::string& no) {
  const std::string word = first_word(path);
  if (word == yes) return true;
  if (word == no) return false;
  return std::nullopt;
}

std::optional<double> load_average(const std::string& root) {
  std::ifstream file(root + "/proc/loadavg");
  double load = 0;
  return file >> load ? std::optional<double>(load) : std::nullopt;
}

std::string governors(const std::vector<int>& cpus, const std::string& root) {
  std::set<std::string> names;
  for (const int cpu : cpus) {
    names.insert(first_word(root + kCpuFolder + "cpu" + std::to_string(cpu) + "/cpufreq/scaling_governor"));
  }
  names.erase("");
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "" : ",") + name;
  return text;
}

int online_cpus(const std::string& root) {
  std::ifstream file(root + "/proc/stat");
  int lines = 0;
  for (std::string line; std::getline(file, line);) lines += line.starts_with("cpu") && !line.starts_with("cpu ");
  return lines;
}

}  // namespace

MachineState machine_state(const std::vector<int>& cpus, const std::string& root) {
  MachineState state;
  state.time = utc_now();
  state.cpus = online_cpus(root);
  state.load = load_average(root);
  state.governor = governors(cpus, root);
  state.smt = flag(root + kCpuFolder + "smt/active", "1", "0");
  state.turbo = flag(root + kCpuFolder + "intel_pstate/no_turbo", "0", "1");
  if (!state.turbo) state.turbo = flag(root + kCpuFolder + "cpufreq/boost", "1", "0");
  return state;
}

// user, nice, system, idle, iowait, irq, softirq, steal; what follows is in user and nice already (proc_stat(5)).
std::optional<CpuTimes> cpu_times(const std::string& root) {
  constexpr int kKinds = 8;
  std::ifstream file(root + "/proc/stat");
  std::string name;
  CpuTimes times;
  if (!(file >> name) || name != "cpu") return std::nullopt;
  for (int kind = 0; kind < kKinds; ++kind) {
    if (!(file >> times.stolen)) return std::nullopt;
    times.all += times.stolen;
  }
  return times;
}

std::optional<double> stolen_percent(const std::optional<CpuTimes>& before, const std::optional<CpuTimes>& after) {
  if (!before || !after || after->all <= before->all || after->stolen < before->stolen) return std::nullopt;
  return 100 * static_cast<double>(after->stolen - before->stolen) / static_cast<double>(after->all - before->all);
}

std::string machine_text(const MachineState& state) {
  std::string text;
  const auto add = [&](const std::string& part) { text += (text.empty() ? "" : ", ") + part; };
  if (state.load) add("load " + fixed(*state.load, 2) + " before");
  if (state.stolen_percent) add(fixed(*state.stolen_percent, 1) + " % of the CPU time stolen");
  if (!state.governor.empty()) add("governor " + state.governor);
  if (state.smt) add(*state.smt ? "SMT on" : "SMT off");
  if (state.turbo) add(*state.turbo ? "turbo on" : "turbo off");
  return text;
}

std::vector<std::string> machine_warnings(const MachineState& state, int threads) {
  std::vector<std::string> warnings;
  if (state.load && state.cpus > 0 && *state.load > kQuietLoad && *state.load + threads > state.cpus + kQuietLoad) {
    warnings.push_back("the machine was busy: load " + fixed(*state.load, 2) + " before the measurement, which takes " +
                       std::to_string(threads) + " of " + std::to_string(state.cpus) + " CPUs");
  }
  if (state.stolen_percent && *state.stolen_percent > kQuietStolenPercent) {
    warnings.push_back("the hypervisor gave " + fixed(*state.stolen_percent, 1) +
                       " % of the CPU time to other machines meanwhile");
  }
  if (!state.governor.empty() && state.governor != "performance") {
    warnings.push_back("the clocks' governor is " + state.governor +
                       ", not performance, so clocks depend on what ran before");
  }
  return warnings;
}

}  // namespace intvit::bench
