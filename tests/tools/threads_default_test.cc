// The default number of threads.
#include <doctest/doctest.h>
#include <sched.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "tools/common/machine/physical_cores.h"
#include "tools/vitrun/vitrun_options.h"

namespace intvit {
namespace {

// Linux's description of CPUs 0 to 7: four cores, each with the hardware threads n and n + 4.
class MadeUpCpus {
 public:
  MadeUpCpus() {
    std::string pattern = (std::filesystem::temp_directory_path() / "intvit_cpus_XXXXXX").string();
    folder_ = ::mkdtemp(pattern.data());
    for (int cpu = 0; cpu < 8; ++cpu) {
      const std::filesystem::path topology = folder_ / ("cpu" + std::to_string(cpu)) / "topology";
      std::filesystem::create_directories(topology);
      std::ofstream(topology / "thread_siblings_list") << cpu % 4 << ',' << cpu % 4 + 4 << '\n';
    }
  }
  ~MadeUpCpus() { std::filesystem::remove_all(folder_); }
  MadeUpCpus(const MadeUpCpus&) = delete;
  MadeUpCpus& operator=(const MadeUpCpus&) = delete;

  int cores_of(const std::vector<int>& cpus) const { return count_cores(cpus, folder_); }
  std::vector<int> in_order(const std::vector<int>& cpus) const { return one_of_each_core_first(cpus, folder_); }

 private:
  std::filesystem::path folder_;
};

TEST_CASE("count_cores: hardware threads of one core count once") {
  const MadeUpCpus machine;
  CHECK(machine.cores_of({0, 1, 2, 3, 4, 5, 6, 7}) == 4);
  CHECK(machine.cores_of({0, 1, 2, 3}) == 4);
  CHECK(machine.cores_of({1, 5}) == 1);
  CHECK(machine.cores_of({1, 5, 6}) == 2);
  // Linux says nothing of CPUs 8 and 9.
  CHECK(machine.cores_of({8, 9}) == 2);
  CHECK(machine.cores_of({}) == 1);
}

TEST_CASE("one_of_each_core_first: second hardware threads come last, all in their order") {
  const MadeUpCpus machine;
  CHECK(machine.in_order({0, 1, 4, 5, 6, 9}) == std::vector<int>{0, 1, 6, 9, 4, 5});
}

// Only the calling thread, until the end of the scope.
class OnCpus {
 public:
  explicit OnCpus(const cpu_set_t& cpus) {
    REQUIRE(sched_getaffinity(0, sizeof before_, &before_) == 0);
    REQUIRE(sched_setaffinity(0, sizeof cpus, &cpus) == 0);
  }
  ~OnCpus() { sched_setaffinity(0, sizeof before_, &before_); }
  OnCpus(const OnCpus&) = delete;
  OnCpus& operator=(const OnCpus&) = delete;

 private:
  cpu_set_t before_;
};

int default_threads() {
  const char* arguments[] = {"vitrun", "m.bin", "a.jpg"};
  VitrunOptions options;
  REQUIRE(!parse_vitrun_options(3, arguments, options));
  return options.threads;
}

TEST_CASE("vitrun's options: as many threads as physical cores that may be used") {
  CHECK(default_threads() == physical_cores());
  cpu_set_t allowed;
  REQUIRE(sched_getaffinity(0, sizeof allowed, &allowed) == 0);
  std::vector<int> cpus;
  for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
    if (CPU_ISSET(static_cast<std::size_t>(cpu), &allowed)) cpus.push_back(cpu);
  }
  CHECK(default_threads() == count_cores(cpus, "/sys/devices/system/cpu"));
  cpu_set_t one;
  CPU_ZERO(&one);
  CPU_SET(static_cast<std::size_t>(cpus.back()), &one);
  const OnCpus scope(one);
  CHECK(default_threads() == 1);
}

}  // namespace
}  // namespace intvit
