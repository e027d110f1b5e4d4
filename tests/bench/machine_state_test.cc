// What vitbench says about the machine, of folders that stand for /proc and /sys.
#include "bench/vitbench/machine_state.h"

#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "tools/common/machine/machine.h"

namespace intvit::bench {
namespace {

class MadeUpRoot {
 public:
  MadeUpRoot() {
    std::string pattern = (std::filesystem::temp_directory_path() / "intvit_machine_XXXXXX").string();
    folder_ = ::mkdtemp(pattern.data());
  }
  ~MadeUpRoot() { std::filesystem::remove_all(folder_); }
  MadeUpRoot(const MadeUpRoot&) = delete;
  MadeUpRoot& operator=(const MadeUpRoot&) = delete;

  std::string write(const std::string& path, const std::string& text) {
    const std::filesystem::path file = folder_ / path;
    std::filesystem::create_directories(file.parent_path());
    std::ofstream(file) << text;
    return file;
  }
  std::string path() const { return folder_; }

 private:
  std::filesystem::path folder_;
};

TEST_CASE("machine_state: what Linux says, and nothing of what it does not") {
  MadeUpRoot root;
  const MachineState unknown = machine_state({0, 1}, root.path());
  CHECK(unknown.time.size() == std::string("2026-01-02T03:04:05Z").size());
  CHECK(machine_text(unknown).empty());
  CHECK(machine_warnings(unknown, 4).empty());
  root.write("proc/loadavg", "1.42 0.50 0.25 2/300 4711\n");
  root.write("proc/stat", "cpu  1 2 3 4 5 6 7 8 9 10\ncpu0 1 2\ncpu1 3 4\nintr 5\n");
  const std::string cpus = "sys/devices/system/cpu/";
  root.write(cpus + "smt/active", "1\n");
  root.write(cpus + "cpufreq/boost", "1\n");
  root.write(cpus + "cpu0/cpufreq/scaling_governor", "powersave\n");
  root.write(cpus + "cpu1/cpufreq/scaling_governor", "performance\n");
  const MachineState state = machine_state({0, 1}, root.path());
  CHECK(state.cpus == 2);
  CHECK(machine_text(state) == "load 1.42 before, governor performance,powersave, SMT on, turbo on");
  CHECK(machine_state({1}, root.path()).governor == "performance");
  root.write(cpus + "intel_pstate/no_turbo", "1\n");
  CHECK(machine_state({0}, root.path()).turbo == false);
}

TEST_CASE("stolen_percent: of all CPUs' time, without counting guests twice") {
  MadeUpRoot root;
  CHECK(!cpu_times(root.path()));
  root.write("proc/stat", "cpu  100 0 0 100 0 0 0 10 50 0\n");
  const auto before = cpu_times(root.path());
  root.write("proc/stat", "cpu  150 10 10 120 2 3 1 14 90 0\n");
  const auto after = cpu_times(root.path());
  REQUIRE(before);
  REQUIRE(after);
  CHECK(before->all == 210);
  CHECK(stolen_percent(before, after) == 4.0);
  CHECK(!stolen_percent(after, before));
  CHECK(!stolen_percent(before, before));
  CHECK(!stolen_percent(std::nullopt, after));
  root.write("proc/stat", "cpu  100 0 0\n");
  CHECK(!cpu_times(root.path()));
}

TEST_CASE("machine_warnings: a load that leaves too few CPUs, time that is stolen, and another governor") {
  MachineState state;
  state.cpus = 4;
  state.load = 2.75;
  CHECK(machine_warnings(state, 1).empty());
  REQUIRE(machine_warnings(state, 2).size() == 1);
  CHECK(machine_warnings(state, 2)[0].find("load 2.75 before the measurement, which takes 2 of 4 CPUs") !=
        std::string::npos);
  state.load = 0.3;
  CHECK(machine_warnings(state, 8).empty());
  state.stolen_percent = 0.9;
  state.governor = "performance";
  CHECK(machine_warnings(state, 4).empty());
  state.stolen_percent = 1.5;
  state.governor = "powersave";
  CHECK(machine_warnings(state, 4).size() == 2);
}

TEST_CASE("cpu_name: a name without a number has family, model and stepping") {
  MadeUpRoot root;
  const std::string text = "vendor_id : A\ncpu family\t: 25\nmodel\t\t: 17\nmodel name\t: AMD EPYC\nstepping\t: 1\n\n";
  CHECK(cpu_name(root.write("cpuinfo", text)) == "AMD EPYC (family 25 model 17 stepping 1)");
  CHECK(cpu_name(root.write("cpuinfo", "model\t\t: 142\nmodel name\t: Core(TM) i7-8550U CPU\ncpu family : 6\n")) ==
        "Core(TM) i7-8550U CPU");
  CHECK(cpu_name(root.write("cpuinfo", "model name\t: Something\n")) == "Something");
  CHECK(cpu_name(root.path() + "/nothing") == "unknown");
}

}  // namespace
}  // namespace intvit::bench
