#include "bench/vitbench/measure.h"

#include <algorithm>
#include <fstream>
#include <limits>
#include <map>

namespace intvit::bench {
namespace {

// One turn of a contender is about this long, so that clock drift, heat and neighbours on the machine hit all
// contenders alike, instead of the one that happens to run then.
constexpr double kTurnSeconds = 0.25;

struct Target {
  int runs;
  double seconds;

  explicit Target(const Options& options)
      : runs(options.runs > 0 ? options.runs : std::numeric_limits<int>::max()),
        seconds(options.seconds > 0 ? options.seconds : std::numeric_limits<double>::infinity()) {}

  int runs_left(const Contender& c) const { return runs - static_cast<int>(c.milliseconds().size()); }
  double seconds_left(const Contender& c) const { return seconds - c.timed_seconds(); }
  bool reached(const Contender& c) const { return runs_left(c) <= 0 || seconds_left(c) <= 0; }
};

// A file that cannot be read is an error of its contender.
void fill_page_cache(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::vector<char> chunk(1 << 16);
  while (file.read(chunk.data(), static_cast<std::streamsize>(chunk.size()))) {
  }
}

}  // namespace

std::vector<int> first_cpus(const Options& options, int threads) {
  if (options.pin.empty()) return {};
  return {options.pin.begin(), options.pin.begin() + threads};
}

std::vector<Combination> combinations(const Options& options) {
  std::vector<Combination> all;
  for (const std::string& model : options.models) {
    for (const Isa isa : options.isas) {
      for (const int threads : options.threads) {
        for (const int batch : options.batches) {
          all.push_back({model, threads, isa, batch, options.profile, options.pictures, options.reading,
                         first_cpus(options, threads)});
        }
      }
    }
  }
  return all;
}

Result<std::vector<std::unique_ptr<Contender>>> measure(const Options& options,
                                                        const std::function<void(const std::string&)>& progress,
                                                        const RunOnce& run_once) {
  std::vector<std::unique_ptr<Contender>> contenders;
  for (const std::string& model : options.models) fill_page_cache(model);
  for (const Combination& combination : combinations(options)) {
    progress("starting " + combination.model);
    Result<std::unique_ptr<Contender>> contender = Contender::start(combination, run_once);
    if (!contender.ok()) return contender.status();
    contenders.push_back(contender.take());
    if (const Status status = contenders.back()->run(options.warmup, 0, 0); !status.ok()) return status;
  }
  // A turn begins with a run that is not timed, since the others have emptied the caches.
  const int refill = contenders.size() > 1 ? 1 : 0;
  const Target target(options);
  for (bool all_reached = false; !all_reached;) {
    all_reached = true;
    for (const std::unique_ptr<Contender>& contender : contenders) {
      if (target.reached(*contender)) continue;
      const double seconds = std::min(kTurnSeconds, target.seconds_left(*contender));
      const Status status = contender->run(refill, target.runs_left(*contender), seconds);
      if (!status.ok()) return status;
      all_reached = false;
    }
    progress(std::to_string(contenders.front()->milliseconds().size()) + " runs of the first combination");
  }
  return contenders;
}

Result<std::vector<ThreadTimes>> trace(const Options& options,
                                       const std::vector<std::unique_ptr<Contender>>& contenders) {
  std::vector<ThreadTimes> runs;
  for (const std::unique_ptr<Contender>& contender : contenders) {
    auto threads = contender->trace(options.warmup);
    if (!threads.ok()) return threads.status();
    runs.push_back(threads.take());
  }
  return runs;
}

Status check_same_outputs(const std::vector<std::unique_ptr<Contender>>& contenders) {
  std::map<std::string, const Contender*> first_of;
  for (const std::unique_ptr<Contender>& contender : contenders) {
    const Combination& c = contender->combination();
    const Contender& first = *first_of.try_emplace(c.model, contender.get()).first->second;
    if (first.outputs_digest() == contender->outputs_digest()) continue;
    return {Code::check_failed, "'" + c.model + "' gives other results with " + std::string(isa_name(c.isa)) + ", " +
                                    std::to_string(c.threads) + " threads and batch " + std::to_string(c.batch) +
                                    " than with " + std::string(isa_name(first.combination().isa)) + ", " +
                                    std::to_string(first.combination().threads) + " threads and batch " +
                                    std::to_string(first.combination().batch) + "; please report this as a bug"};
  }
  return {};
}

}  // namespace intvit::bench
