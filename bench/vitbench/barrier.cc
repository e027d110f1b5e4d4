#include "bench/vitbench/barrier.h"

#include <chrono>
#include <system_error>
#include <vector>

#include "bench/vitbench/run_times.h"
#include "engine/run/thread_team.h"

namespace intvit::bench {
namespace {

constexpr double kMeetingNanoseconds = 5e5;
constexpr int kMeetingTries = 25;

double meeting_nanoseconds(ThreadTeam& team, int meetings) {
  struct Work {
    ThreadTeam& team;
    int meetings;
    double nanoseconds = 0;
  } work{team, meetings};
  team.run(
      [](void* context, int member) {
        Work& all = *static_cast<Work*>(context);
        all.team.barrier(member);  // so that waking up is not counted
        const auto start = std::chrono::steady_clock::now();
        for (int i = 0; i < all.meetings; ++i) all.team.barrier(member);
        if (member != 0) return;
        all.nanoseconds = std::chrono::duration<double, std::nano>(std::chrono::steady_clock::now() - start).count();
      },
      &work);
  return work.nanoseconds;
}

}  // namespace

std::optional<double> measure_barrier(int threads) {
  if (threads < 2) return std::nullopt;
  try {
    ThreadTeam team(threads);
    int meetings = 1;
    while (meeting_nanoseconds(team, meetings) < kMeetingNanoseconds) meetings *= 2;
    std::vector<double> tries;
    for (int i = 0; i < kMeetingTries; ++i) tries.push_back(meeting_nanoseconds(team, meetings) / meetings);
    return summarize(tries).median;
  } catch (const std::system_error&) {
    return std::nullopt;  // too many threads, as the session will say
  }
}

}  // namespace intvit::bench
