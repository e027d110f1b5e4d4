#include "bench/vitbench/pinning.h"

#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <filesystem>
#include <system_error>

#include "tools/common/cli/comma_list.h"
#include "tools/common/machine/physical_cores.h"

namespace intvit::bench {
namespace {

Status refusal(const std::string& message) { return {Code::invalid_argument, message}; }

// False unless the whole text is a number.
bool read_cpu(const std::string& text, int& cpu) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), cpu);
  return error == std::errc() && end == text.data() + text.size() && cpu >= 0 && cpu < CPU_SETSIZE;
}

Status set_affinity(pid_t thread, const std::vector<int>& cpus) {
  cpu_set_t set;
  CPU_ZERO(&set);
  for (const int cpu : cpus) CPU_SET(static_cast<std::size_t>(cpu), &set);
  if (::sched_setaffinity(thread, sizeof set, &set) == 0) return {};
  return refusal("--pin: cannot keep a thread to CPU " + cpu_list(cpus) + ": " +
                 std::generic_category().message(errno));
}

}  // namespace

Result<std::vector<int>> parse_pin(const std::string& text, const std::vector<int>& usable, const std::string& folder) {
  if (usable.empty()) return refusal("--pin: Linux does not tell which CPUs may be used");
  if (text == "all") return one_of_each_core_first(usable, folder);
  const Result<std::vector<std::string>> words = parse_names("--pin", text);
  if (!words.ok()) return words.status();
  std::vector<int> cpus;
  for (const std::string& word : words.value()) {
    const std::size_t dash = word.find('-');
    const std::string from = word.substr(0, dash), to = dash == std::string::npos ? from : word.substr(dash + 1);
    int first = 0, last = 0;
    if (!read_cpu(from, first) || !read_cpu(to, last) || last < first) {
      return refusal("--pin '" + word + "' must be a CPU's number, a range as in 2-3, or all");
    }
    for (int cpu = first; cpu <= last; ++cpu) {
      if (std::find(usable.begin(), usable.end(), cpu) == usable.end()) {
        return refusal("--pin: CPU " + std::to_string(cpu) + " may not be used; those that may are " +
                       cpu_list(usable));
      }
      if (std::find(cpus.begin(), cpus.end(), cpu) != cpus.end()) {
        return refusal("--pin '" + text + "' has CPU " + std::to_string(cpu) + " twice");
      }
      cpus.push_back(cpu);
    }
  }
  return cpus;
}

std::string cpu_list(const std::vector<int>& cpus) {
  std::string text;
  for (const int cpu : cpus) text += (text.empty() ? "" : ",") + std::to_string(cpu);
  return text;
}

Status keep_to(const std::vector<int>& cpus) { return set_affinity(0, cpus); }

Status bind_threads(const std::vector<int>& cpus) {
  std::vector<int> others;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/task", error)) {
    const int thread = std::stoi(entry.path().filename().string());
    if (thread != ::getpid()) others.push_back(thread);
  }
  if (error) return refusal("--pin: cannot read /proc/self/task: " + error.message());
  std::sort(others.begin(), others.end());
  if (const Status status = set_affinity(::getpid(), {cpus.front()}); !status.ok()) return status;
  for (std::size_t i = 0; i < others.size(); ++i) {
    const std::size_t place = cpus.size() == 1 ? 0 : 1 + i % (cpus.size() - 1);
    if (const Status status = set_affinity(others[i], {cpus[place]}); !status.ok()) return status;
  }
  return {};
}

}  // namespace intvit::bench
