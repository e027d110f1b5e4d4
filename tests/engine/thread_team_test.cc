// The thread team under load: every member does every round, and barriers separate them.
#include "engine/run/thread_team.h"

#include <doctest/doctest.h>

#include <atomic>
#include <vector>

#include "engine/run/cpu_place.h"

namespace intvit::test {
namespace {

struct Rounds {
  ThreadTeam* team;
  int barriers;
  std::vector<int> count;  // per member; plain ints, so that a missing barrier is a data race for tsan
  std::atomic<int> mistakes{0};
};

// Between two barriers every member writes its own count; after a barrier it must see everybody's.
void count_up(void* context, int member) {
  auto& rounds = *static_cast<Rounds*>(context);
  const auto own = static_cast<std::size_t>(member);
  for (int i = 0; i < rounds.barriers; ++i) {
    ++rounds.count[own];
    rounds.team->barrier(member);
    for (const int other : rounds.count) {
      if (other != rounds.count[own]) rounds.mistakes.fetch_add(1);
    }
    rounds.team->barrier(member);
  }
}

TEST_CASE("thread_team: run() and barrier() for 1 to 8 members") {
  for (int size = 1; size <= 8; ++size) {
    ThreadTeam team(size);
    CHECK(team.size() == size);
    Rounds rounds{&team, 10, std::vector<int>(static_cast<std::size_t>(size)), {}};
    const int runs = 300;
    for (int i = 0; i < runs; ++i) {
      team.run(count_up, &rounds);
      // run() has returned, so the caller may read all of it.
      for (const int count : rounds.count) REQUIRE(count == (i + 1) * rounds.barriers);
    }
    CHECK(rounds.mistakes.load() == 0);
  }
}

TEST_CASE("thread_team: thousands of runs without barriers") {
  for (int size = 1; size <= 8; ++size) {
    ThreadTeam team(size);
    std::vector<int> calls(static_cast<std::size_t>(size));
    for (int i = 0; i < 3000; ++i) {
      team.run([](void* context,
                  int member) { ++(*static_cast<std::vector<int>*>(context))[static_cast<std::size_t>(member)]; },
               &calls);
    }
    for (const int count : calls) CHECK(count == 3000);
  }
}

TEST_CASE("thread_team: can be destroyed at any time") {
  for (int i = 0; i < 200; ++i) {
    ThreadTeam unused(1 + i % 8);
    ThreadTeam used(1 + i % 5);
    std::atomic<int> calls{0};
    used.run([](void* context, int) { static_cast<std::atomic<int>*>(context)->fetch_add(1); }, &calls);
    CHECK(calls.load() == used.size());
  }
}

TEST_CASE("cpu_place: a thread leaves CPUs that are taken, unless all are, and may be moved back") {
  const int allowed = allowed_cpus();
  REQUIRE(allowed >= 1);
  if (current_cpu() < 0 || allowed < 2) {
    MESSAGE("skipped: one CPU, or the system does not tell which");
    return;
  }
  int left = 0;
  for (int i = 0; i < 20; ++i) {
    const int here = current_cpu();
    const std::vector<std::atomic<int>> taken = [&] {
      std::vector<std::atomic<int>> cpus(2);
      cpus[0].store(here);
      cpus[1].store(-1);
      return cpus;
    }();
    leave_cpus(taken);
    left += current_cpu() != here;
    CHECK(allowed_cpus() == allowed);
  }
  CHECK(left > 10);
  // Taken by others is everything: the thread stays where it may be.
  std::vector<std::atomic<int>> all(1024);
  for (int cpu = 0; cpu < 1024; ++cpu) all[static_cast<std::size_t>(cpu)].store(cpu);
  leave_cpus(all);
  CHECK(allowed_cpus() == allowed);
}

}  // namespace
}  // namespace intvit::test
