// --pin: which CPUs are meant, and that threads are bound to them.
#include "bench/vitbench/pinning.h"

#include <doctest/doctest.h>
#include <sched.h>

#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include "tools/common/machine/physical_cores.h"

namespace intvit::bench {
namespace {

using Cpus = std::vector<int>;

TEST_CASE("parse_pin: numbers and ranges in their order, and what is wrong with others") {
  const Cpus usable = {0, 1, 2, 3, 8};
  const auto parsed = [&](const std::string& text) { return parse_pin(text, usable, "/nowhere"); };
  CHECK(parsed("2").value() == Cpus{2});
  CHECK(parsed("8,1-3,0").value() == Cpus{8, 1, 2, 3, 0});
  CHECK(parsed("3-3").value() == Cpus{3});
  CHECK(parsed("all").value() == usable);
  CHECK(cpu_list({8, 1}) == "8,1");
  for (const auto& [text, part] :
       std::vector<std::pair<std::string, std::string>>{{"4", "CPU 4 may not be used; those that may are 0,1,2,3,8"},
                                                        {"2-5", "CPU 4 may not be used"},
                                                        {"1,0-2", "has CPU 1 twice"},
                                                        {"1,,2", "empty entry"},
                                                        {"3-2", "'3-2' must be"},
                                                        {"-1", "'-1' must be"},
                                                        {"1-", "'1-' must be"},
                                                        {"0x1", "'0x1' must be"},
                                                        {"0-99999999", "'0-99999999' must be"}}) {
    CAPTURE(text);
    const Result<Cpus> cpus = parsed(text);
    REQUIRE(!cpus.ok());
    CHECK(cpus.status().code() == Code::invalid_argument);
    CHECK_MESSAGE(cpus.status().message().find(part) != std::string::npos, cpus.status().message());
  }
  CHECK(!parse_pin("all", {}).ok());
}

TEST_CASE("bind_threads: the first thread to the first CPU, the others in turn to the rest") {
  const Cpus before = usable_cpus();
  REQUIRE(!before.empty());
  const Cpus cpus = {before.back(), before.front()};
  std::atomic<bool> bound = false;
  Cpus others[2];
  std::vector<std::thread> threads;
  for (Cpus& seen : others) {
    threads.emplace_back([&] {
      bound.wait(false);
      seen = usable_cpus();
    });
  }
  const Status status = bind_threads(cpus);
  const Cpus own = usable_cpus();
  bound = true;
  bound.notify_all();
  for (std::thread& thread : threads) thread.join();
  CHECK(keep_to(before).ok());
  CHECK(status.ok());
  CHECK(own == Cpus{cpus[0]});
  for (const Cpus& seen : others) CHECK(seen == Cpus{cpus[1]});
  CHECK(usable_cpus() == before);
  CHECK(!keep_to({CPU_SETSIZE - 1}).ok());
}

}  // namespace
}  // namespace intvit::bench
