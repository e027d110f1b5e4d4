#include "bench/vitbench/peak.h"

#include <algorithm>
#include <chrono>
#include <system_error>

#include "bench/peak/peak_loops.h"
#include "engine/program/cost.h"
#include "engine/run/thread_team.h"
#include "kernels/dispatch/kernel_table.h"

namespace intvit::bench {
namespace {

constexpr double kTrySeconds = 1e-3;  // short, so that some fit between two interruptions
constexpr int kTries = 25;

double seconds_of(ThreadTeam& team, const PeakLoop& loop, std::int64_t rounds) {
  struct Work {
    const PeakLoop& loop;
    std::int64_t rounds;
  } work{loop, rounds};
  const auto start = std::chrono::steady_clock::now();
  team.run(
      [](void* context, int) {
        const Work& all = *static_cast<const Work*>(context);
        static_cast<void>(all.loop.run(all.rounds));
      },
      &work);
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

double gmac_per_s(ThreadTeam& team, const PeakLoop& loop) {
  std::int64_t rounds = 1000;
  while (seconds_of(team, loop, rounds) < kTrySeconds) rounds *= 2;  // and the clock rises meanwhile
  double best = seconds_of(team, loop, rounds);
  for (int i = 1; i < kTries; ++i) best = std::min(best, seconds_of(team, loop, rounds));
  const double macs = static_cast<double>(loop.macs_per_round) * static_cast<double>(rounds) * team.size();
  return macs / best / 1e9;
}

}  // namespace

std::optional<Peak> measure_peak(Isa isa, int threads) {
  const PeakLoops* loops = peak_loops(isa);
  if (loops == nullptr) return std::nullopt;
  try {
    ThreadTeam team(threads);
    Peak peak;
    peak.instruction8 = loops->weights8.instruction;
    peak.instruction4 = loops->weights4.instruction;
    peak.weights8 = gmac_per_s(team, loops->weights8);
    peak.weights4 = loops->weights4.run == loops->weights8.run ? peak.weights8 : gmac_per_s(team, loops->weights4);
    return peak;
  } catch (const std::system_error&) {
    return std::nullopt;  // too many threads, as the session will say
  }
}

double milliseconds_at_peak(const Program& program, const Peak& peak) {
  double milliseconds = 0;
  for (const Step& step : program.steps) {
    const OpCost cost = op_cost(step.op, program);
    milliseconds += static_cast<double>(cost.macs) / 1e6 / (cost.weight_bits < 8 ? peak.weights4 : peak.weights8);
  }
  return milliseconds;
}

}  // namespace intvit::bench
